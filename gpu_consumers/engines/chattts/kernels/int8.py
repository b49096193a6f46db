"""Products in eight bits: weights rounded once by output, activations by row at each step.

The sums are whole numbers and thus exact, so a row's product cannot depend on the order of additions, nor on its
neighbours: each row has a scale of its own. Rounding only the weights would be nearer to float32, but torch's product
for that takes 5 to 9 times bfloat16's time at 64 and 128 rows (AMX); this one takes about the same, in half of the memory.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import pad

from gpu_consumers.engines.chattts.kernels import row_invariance, rowwise_cpu, rowwise_torch
from gpu_consumers.engines.chattts.kernels.linear import Linear
from seedcast.errors import EngineFailed

Exact = Callable[
    [Tensor], Tensor
]  # int8 (rows, inputs) to sums (rows, outputs) times the scale of their output, rounded to float32

FEWEST = 32  # rows: torch._int_mm takes more than 16 on CUDA


def prepare(weight: Tensor, rows: int) -> Linear:
    """The product with a weight (outputs, inputs). Raises EngineFailed where this machine's is not exact."""
    narrower = _probed(rows, *weight.shape, weight.device)
    rounded, scale = rowwise_torch.quantised(weight.float())
    product = _sums(rounded, rows, scale.squeeze(1))
    quantised = rowwise_torch.quantised if weight.device.type == "cuda" else rowwise_cpu.quantised

    def run(x: Tensor) -> Tensor:
        whole, of_row = quantised(x.float())
        return product(whole).mul_(of_row)

    return Linear(run, narrower)


def _sums(weight: Tensor, rows: int, scale: Tensor) -> Exact:
    outputs, inputs = weight.shape
    if weight.device.type == "cuda":
        return lambda x: torch._int_mm(filled(x), weight.T)[: len(x)].float().mul_(scale)
    packed, zeros = (
        torch.ops.onednn.qlinear_prepack(weight, [rows, inputs]),
        torch.zeros(outputs, dtype=torch.int32),
    )
    return lambda x: torch.ops.onednn.qlinear_pointwise(
        x, 1.0, 0, packed, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )


def filled(x: Tensor) -> Tensor:
    """At least FEWEST rows: those that are missing are zeros."""
    return pad(x, (0, 0, 0, max(0, FEWEST - len(x))))


@cache
def _probed(rows: int, outputs: int, inputs: int, device: torch.device) -> tuple[int, ...]:
    """With how many rows less it is as exact. Instructions before VNNI add pairs of products in 16 bits, which saturates."""
    random = torch.Generator().manual_seed(outputs * 65_537 + inputs)
    weight, x = (
        torch.randint(-127, 128, (count, inputs), generator=random, dtype=torch.int8).to(device)
        for count in (outputs, rows)
    )
    weight[:, : inputs // 2], x[:, : inputs // 2] = 127, 127
    product = _sums(weight, rows, torch.ones(outputs, device=device))
    expected = (x.double() @ weight.double().T).float()

    def of_floats(x: Tensor) -> Tensor:
        return product(rowwise_torch.quantised(x)[0])

    if not torch.equal(product(x), expected) or not row_invariance.symmetric(
        of_floats, rows, inputs, torch.float32, device
    ):
        raise EngineFailed(
            f"the product of ({rows}, {inputs}) and ({inputs}, {outputs}) in int8",
            expected="exact sums",
            got="others: this machine's instructions saturate",
            remedy="set SEEDCAST_GPU_PRECISION to bfloat16 or float32",
        )
    return row_invariance.narrower(of_floats, rows, inputs, torch.float32, device)
