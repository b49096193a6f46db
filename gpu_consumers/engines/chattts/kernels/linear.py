"""Matrix products for a fixed number of rows, one a slot, and every row the same program.

A library may compute the last rows of a product by another program than the first ones, so that equal rows come out
with other bits (measured: oneDNN's float32 on AVX2 takes six rows at a time, and the rest otherwise). So each shape is
probed when the engine is loaded, in the form and the number of rows that it will run with, and what fails is not used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import linear, pad

from gpu_consumers.engines.chattts.kernels import row_invariance
from gpu_consumers.engines.chattts.kernels.row_invariance import Product
from seedcast.errors import EngineFailed

_PADDING = (1, 6, 8, 12, 16, 32, 48)  # the rows are filled up to a multiple of one of these


@dataclass(frozen=True)
class Linear:
    """(rows, inputs), which is rounded to the weight's type, to (rows, outputs) in that type; with int8, float32 to float32."""

    product: Product
    narrower: tuple[
        int, ...
    ] = ()  # numbers of rows below the one it was prepared for at which a row's bits are the same

    def __call__(self, x: Tensor) -> Tensor:
        return self.product(x)


@dataclass(frozen=True)
class _Form:
    packed: bool
    multiple: int  # of rows
    narrower: tuple[int, ...]


def prepare(weight: Tensor, rows: int) -> Linear:
    """The product with a weight (outputs, inputs). Raises EngineFailed where no form of it treats all rows alike."""
    form = _form(rows, *weight.shape, weight.dtype, weight.device, torch.get_num_threads())
    return Linear(product(weight, rows, form.packed, form.multiple), form.narrower)


@cache
def _form(
    rows: int, outputs: int, inputs: int, dtype: torch.dtype, device: torch.device, threads: int
) -> _Form:
    """Of this shape, for this number of threads (which rows are shared among).

    Packed is 1.3 to 1.6 times as fast (16 to 128 rows of float32, AVX2, 2 cores).
    """
    weight = row_invariance.weight(outputs, inputs).to(device, dtype)
    for packed, multiple in _forms(rows, dtype, device):
        found = product(weight, rows, packed, multiple)
        if row_invariance.symmetric(found, rows, inputs, dtype, device):
            return _Form(
                packed, multiple, row_invariance.narrower(found, rows, inputs, dtype, device)
            )
    raise EngineFailed(
        f"the product of ({rows}, {inputs}) and ({inputs}, {outputs}) in {dtype}",
        expected="the same bits for the same row in every slot",
        got="others",
        remedy="set SEEDCAST_GPU_SLOTS to another number, a multiple of 48 where possible",
    )


def _forms(rows: int, dtype: torch.dtype, device: torch.device) -> Iterator[tuple[bool, int]]:
    # Of the multiples that fill these rows up to the same number only the first: the others would be the same product, probed again.
    multiples = dict[int, int]()
    for multiple in _PADDING:
        multiples.setdefault(_filled(rows, multiple), multiple)
    # Without the instructions for it oneDNN computes bfloat16 by a reference that is far slower.
    hardware = dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if device.type == "cpu" and torch.backends.mkldnn.enabled and hardware:
        yield from ((True, multiple) for multiple in multiples.values())
    yield from ((False, multiple) for multiple in multiples.values())


def product(weight: Tensor, rows: int, packed: bool, multiple: int) -> Product:
    dtype, run = (
        weight.dtype,
        _packed(weight, _filled(rows, multiple)) if packed else _plain(weight),
    )
    if multiple == 1:
        return lambda x: run(x.to(dtype))
    return lambda x: run(pad(x.to(dtype), (0, 0, 0, _filled(len(x), multiple) - len(x))))[: len(x)]


def _packed(weight: Tensor, rows: int) -> Product:
    """oneDNN lays the weight out for this number of rows once, instead of at every step, and the weight as it was is let go."""
    layout = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, layout, None, "none", [], "")


def _plain(weight: Tensor) -> Product:
    return lambda x: linear(x, weight)


def _filled(rows: int, multiple: int) -> int:
    return -(-rows // multiple) * multiple
