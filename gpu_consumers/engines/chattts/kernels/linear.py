"""Matrix products for a fixed number of rows, one per slot, that compute every row alike.

A library may compute the last rows of a product by another program than the first ones, so that
equal rows come out with different bits (measured: oneDNN's float32 on AVX2 takes six rows at a
time, and the remaining rows otherwise). So the row invariance check runs for each shape when the
engine is loaded, in the variant and with the number of rows that the engine will use. A variant
that fails is not used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import linear, pad

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.kernels import row_invariance
from seedcast.gpu_consumers.engines.chattts.kernels.row_invariance import Product

_MULTIPLES = (1, 6, 8, 12, 16, 32, 48)  # the rows are padded to a multiple of one of these


@dataclass(frozen=True)
class Linear:
    """x · Wᵀ for a weight W (outputs, inputs), prepared for a number of rows.

    Takes x (rows, inputs), rounds it to the weight's dtype and returns (rows, outputs) in that
    dtype. An int8 product takes float32 and returns float32.
    """

    product: Product
    # Below the number of rows it was prepared for: those at which a row has the same bits.
    smaller_batch_sizes: tuple[int, ...] = ()

    def __call__(self, x: Tensor) -> Tensor:
        return self.product(x)


@dataclass(frozen=True)
class _Variant:
    packed: bool
    multiple: int  # of rows
    smaller_batch_sizes: tuple[int, ...]


def prepare(weight: Tensor, rows: int) -> Linear:
    """Return the product with a weight (outputs, inputs) float32, bfloat16 or float16.

    Raises EngineFailed if no variant of it computes all rows alike.
    """
    variant = _variant(rows, *weight.shape, weight.dtype, weight.device, torch.get_num_threads())
    run = product(weight, rows, variant.packed, variant.multiple)
    return Linear(run, variant.smaller_batch_sizes)


@cache
def _variant(
    rows: int, outputs: int, inputs: int, dtype: torch.dtype, device: torch.device, threads: int
) -> _Variant:
    """Return the first variant that is row invariant; for `threads`, which share the rows.

    Packed variants come first: they are 1.3 to 1.6 times as fast (16 to 128 rows of float32, AVX2,
    2 cores).
    """
    weight = row_invariance.cancelling_weight(outputs, inputs).to(device, dtype)
    for packed, multiple in _variants(rows, dtype, device):
        run = product(weight, rows, packed, multiple)
        if row_invariance.is_row_invariant(run, rows, inputs, dtype, device):
            smaller = row_invariance.smaller_batch_sizes(run, rows, inputs, dtype, device)
            return _Variant(packed, multiple, smaller)
    raise EngineFailed(
        f"the product of ({rows}, {inputs}) and ({inputs}, {outputs}) in {dtype}",
        expected="the same bits for the same row in every slot",
        got="different bits in different slots",
        remedy="set SEEDCAST_GPU_SLOTS to another number, a multiple of 48 where possible",
    )


def _variants(rows: int, dtype: torch.dtype, device: torch.device) -> Iterator[tuple[bool, int]]:
    """Yield (packed, multiple) of every variant to try, the fastest first."""
    # Multiples that pad to the same number of rows give the same product: only the first is tried.
    multiples = dict[int, int]()
    for multiple in _MULTIPLES:
        multiples.setdefault(_rounded_up(rows, multiple), multiple)
    # Without bfloat16 instructions oneDNN falls back to a reference program that is far slower.
    hardware = dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if device.type == "cpu" and torch.backends.mkldnn.enabled and hardware:
        yield from ((True, multiple) for multiple in multiples.values())
    yield from ((False, multiple) for multiple in multiples.values())


def product(weight: Tensor, rows: int, packed: bool, multiple: int) -> Product:
    """Return the product with a weight (outputs, inputs), its rows padded to a multiple.

    It takes x (rows, inputs) of any float dtype and returns (rows, outputs) in the weight's dtype.
    `packed`: let oneDNN lay the weight out for this number of rows.
    """
    run = _packed(weight, _rounded_up(rows, multiple)) if packed else _plain(weight)
    dtype = weight.dtype
    if multiple == 1:
        return lambda x: run(x.to(dtype))

    def padded(x: Tensor) -> Tensor:
        missing = _rounded_up(len(x), multiple) - len(x)
        return run(pad(x.to(dtype), (0, 0, 0, missing)))[: len(x)]

    return padded


def _packed(weight: Tensor, rows: int) -> Product:
    """Return a product whose weight oneDNN lays out once, instead of at every step.

    It keeps only the new layout and lets the original weight go.
    """
    layout = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, layout, None, "none", [], "")


def _plain(weight: Tensor) -> Product:
    return lambda x: linear(x, weight)


def _rounded_up(rows: int, multiple: int) -> int:
    return -(-rows // multiple) * multiple
