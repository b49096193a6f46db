"""Matrix products in int8: weights are rounded once per output, activations per row at each step.

The sums are whole numbers and thus exact, so a row's product cannot depend on the order of
additions. It cannot depend on its neighbours either, because each row has a scale of its own.

Rounding only the weights would be nearer to float32. But torch's product for that takes 5 to 9
times as long as bfloat16 at 64 and 128 rows (AMX); this one takes about as long as bfloat16, in
half of the memory.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import pad

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.kernels import (
    row_invariance,
    rowwise_cpu,
    rowwise_torch,
)
from seedcast.gpu_consumers.engines.chattts.kernels.linear import Linear

# (rows, inputs) int8 to (rows, outputs) float32: exact sums times the scale of each output,
# rounded to float32.
ExactProduct = Callable[[Tensor], Tensor]

MIN_ROWS = 32  # torch._int_mm takes more than 16 rows on CUDA


def prepare(weight: Tensor, rows: int) -> Linear:
    """Return the int8 product with a weight (outputs, inputs) of any float dtype.

    It takes x (rows, inputs) of any float dtype and returns (rows, outputs) float32: x · Wᵀ, where
    `quantise` has rounded each row of x and each row of W to whole multiples of its own scale.

    Raises EngineFailed if this machine's product is not exact.
    """
    smaller_batch_sizes = _check(rows, *weight.shape, weight.device)
    whole_weight, output_scale = rowwise_torch.quantise(weight.float())
    product = _exact_product(whole_weight, rows, output_scale.squeeze(1))
    quantise = rowwise_torch.quantise if weight.device.type == "cuda" else rowwise_cpu.quantise

    def run(x: Tensor) -> Tensor:
        whole, row_scale = quantise(x.float())
        return product(whole).mul_(row_scale)

    return Linear(run, smaller_batch_sizes)


def _exact_product(weight: Tensor, rows: int, scale: Tensor) -> ExactProduct:
    """Return the product with a weight (outputs, inputs) int8 and scales (outputs,) float32."""
    outputs, inputs = weight.shape
    if weight.device.type == "cuda":
        return lambda x: torch._int_mm(pad_rows(x), weight.T)[: len(x)].float().mul_(scale)
    packed = torch.ops.onednn.qlinear_prepack(weight, [rows, inputs])
    zeros = torch.zeros(outputs, dtype=torch.int32)
    # VNNI multiplies unsigned by signed. For two signed operands in this layout oneDNN has a
    # program with AMX only; otherwise it falls back to a reference that takes thousands of times
    # as long. So x is moved up by 128, which oneDNN takes off again in whole numbers.
    unsigned = torch.cpu._is_vnni_supported() and not torch.cpu._is_amx_tile_supported()
    zero_point = 128 if unsigned else 0

    def run(x: Tensor) -> Tensor:
        x = x.view(torch.uint8).bitwise_xor(128) if unsigned else x
        return torch.ops.onednn.qlinear_pointwise(  # type: ignore[no-any-return]
            x, 1.0, zero_point, packed, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )

    return run


def pad_rows(x: Tensor) -> Tensor:
    """Append rows of zeros to x (rows, inputs) until it has at least MIN_ROWS."""
    return pad(x, (0, 0, 0, max(0, MIN_ROWS - len(x))))


@cache
def _check(rows: int, outputs: int, inputs: int, device: torch.device) -> tuple[int, ...]:
    """Check that products of this shape are exact, and return the smaller batch sizes.

    Instructions before VNNI add pairs of products in 16 bits, which saturates: the first half of
    every trial row is at its maximum, so that it would show.

    Raises EngineFailed if a product is not exact.
    """
    random = torch.Generator().manual_seed(outputs * 65_537 + inputs)
    weight, x = (
        torch.randint(-127, 128, (count, inputs), generator=random, dtype=torch.int8).to(device)
        for count in (outputs, rows)
    )
    weight[:, : inputs // 2], x[:, : inputs // 2] = 127, 127
    product = _exact_product(weight, rows, torch.ones(outputs, device=device))
    expected = (x.double() @ weight.double().T).float()

    def of_floats(x: Tensor) -> Tensor:
        return product(rowwise_torch.quantise(x)[0])

    exact = torch.equal(product(x), expected)
    shape = (rows, inputs, torch.float32, device)
    if not exact or not row_invariance.is_row_invariant(of_floats, *shape):
        raise EngineFailed(
            f"the product of ({rows}, {inputs}) and ({inputs}, {outputs}) in int8",
            expected="exact sums",
            got="inexact sums: this machine's instructions saturate",
            remedy="set SEEDCAST_GPU_PRECISION to bfloat16 or float32",
        )
    return row_invariance.smaller_batch_sizes(of_floats, *shape)
