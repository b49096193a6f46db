"""Attention of one new position per row over the row's own cache, on a CUDA device, in Triton.

`attention_cpu` and `attention_cuda` are two implementations of the same interface: `attend` takes
and returns the same shapes and dtypes in both. `decoder.kernels_for` selects one by the device.

Formula: softmax(q · Kᵀ / √head size) · V for one query per head (Vaswani et al., 2017), over the
positions from 0 to the row's own.

One program computes one (row, head), in blocks of a fixed number of positions from 0 to the row's
own, by an online softmax in float32 (Milakov and Gimelshein, 2018). So the additions and their
order follow from the row's position alone. The program has run in Triton's interpreter and has been
compiled; it has not yet run on a device (tests/gpu runs it there).
"""

import triton
import triton.language as tl
from torch import Tensor, empty

BLOCK = 64  # positions that a program reads at once


# The tensors are those of `attend` and its result, as pointers. The strides of rows and heads are
# in elements; a head itself is contiguous. `scale` is 1 / √head size, and `size` is the head size.
@triton.jit  # type: ignore[untyped-decorator]
def _attend(  # type: ignore[no-untyped-def]
    query, key, value, keys, values, position, out,
    query_row, query_head, key_row, key_head, value_row, value_head, cache_row, cache_head, scale,
    size: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    row, head = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    page = row * cache_row + head * cache_head
    d = tl.arange(0, size)
    own = tl.load(position + row)
    q = tl.load(query + row * query_row + head * query_head + d) * scale
    new_key = tl.load(key + row * key_row + head * key_head + d)
    new_value = tl.load(value + row * value_row + head * value_head + d)
    tl.store(keys + page + own * size + d, new_key)
    tl.store(values + page + own * size + d, new_value)
    highest, total = -float("inf"), 0.0
    sums = tl.zeros((size,), tl.float32)
    for start in tl.range(0, own + 1, block, num_stages=2):
        t = start + tl.arange(0, block)
        at = page + t[:, None] * size + d[None, :]
        # The row's own position is taken from registers: within a program, a load may overtake
        # another thread's store.
        before, here = (t < own)[:, None], (t == own)[:, None]
        k = tl.where(here, new_key[None, :], tl.load(keys + at, mask=before, other=0.0)).to(
            tl.float32
        )
        v = tl.where(here, new_value[None, :], tl.load(values + at, mask=before, other=0.0)).to(
            tl.float32
        )
        scores = tl.where(t <= own, tl.sum(k * q[None, :], 1), -float("inf"))
        higher = tl.maximum(highest, tl.max(scores, 0))
        weights, kept = tl.exp(scores - higher), tl.exp(highest - higher)
        total = total * kept + tl.sum(weights, 0)
        sums = sums * kept + tl.sum(weights[:, None] * v, 0)
        highest = higher
    tl.store(out + (row * tl.num_programs(1) + head) * size + d, sums / total)


def attend(
    query: Tensor, key: Tensor, value: Tensor, keys: Tensor, values: Tensor, position: Tensor
) -> Tensor:
    """Write key and value at each row's position, then attend from position 0 up to it.

    query: (rows, heads, head size) float32.
    key, value: (rows, heads, head size) in the cache's dtype, float32, bfloat16 or float16.
    keys, values: the cache, (rows, heads, positions, head size) in its dtype; written in place.
    position: (rows,) int64, the position of the new key and value.
    Returns (rows, heads, head size) float32.

    The head size is a power of 2, and the cache is contiguous. A CUDA graph can capture the call
    once the program has been compiled.
    """
    rows, heads, size = query.shape
    out = empty(rows, heads, size, dtype=query.dtype, device=query.device)
    tensors = (query, key, value, keys, values, position, out)
    strides = [stride for tensor in (query, key, value, keys) for stride in tensor.stride()[:2]]
    scale = size**-0.5
    _attend[(rows, heads)](*tensors, *strides, scale, size=size, block=BLOCK, num_warps=4)
    return out
