"""Part 3: the attention against float64, its indifference to garbage, and its time."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.device.setting import Findings, Setting
from benchmarks.device.timing import microseconds
from seedcast.gpu_consumers.engines.chattts.hardware import DTYPES
from seedcast.gpu_consumers.engines.chattts.model.decoder import kernels_for
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL, TINY

CONTEXTS = (100, 300, 600)
TOLERANCE = 1e-4  # absolute, of values of about 1


@torch.inference_mode()
def measure(setting: Setting) -> Findings:
    attend, _ = kernels_for(setting.device)
    holds = True
    for precision in setting.precisions:
        call, reference, spoil = _inputs(setting, DTYPES[precision])
        result = call(attend)
        error = float((result.double() - reference).abs().max())
        spoil()
        clean = torch.equal(call(attend), result)
        holds &= error < TOLERANCE and clean
        setting.figures[precision] = {"error": error, "garbage_unseen": clean}
    rows = setting.either(512, 4)
    times = {
        f"{context} positions": _time(setting, attend, rows, context)
        for context in setting.either(CONTEXTS, (20,))
    }
    setting.figures["microseconds"] = times
    listed = ", ".join(f"{value:g} µs at {name}" for name, value in times.items())
    return Findings(f"bfloat16, {rows} rows: {listed}", holds)


Attend = Callable[..., Tensor]


def _inputs(
    setting: Setting, dtype: torch.dtype
) -> tuple[Callable[[Attend], Tensor], Tensor, Callable[[], None]]:
    """Return the call, its result in float64, and what fills the cache beyond each position."""
    rows, positions = setting.either((64, 512), (4, 80))
    heads, size = setting.either((FULL.heads, FULL.head_size), (TINY.heads, TINY.head_size))
    random = torch.Generator().manual_seed(1)
    query, key, value = torch.randn(3, rows, heads, size, generator=random).to(setting.device)
    keys, values = torch.randn(2, rows, heads, positions, size, generator=random).to(
        setting.device, dtype
    )
    key, value = key.to(dtype), value.to(dtype)
    position = torch.randint(0, positions, (rows,), generator=random).to(setting.device)
    own = torch.arange(rows, device=setting.device)
    keys[own, :, position], values[own, :, position] = key, value
    beyond = torch.arange(positions, device=setting.device) > position[:, None]
    reference = scaled_dot_product_attention(
        query[:, :, None].double(), keys.double(), values.double(), ~beyond[:, None, None]
    )[:, :, 0]

    def spoil() -> None:
        for cache in (keys, values):
            cache.transpose(1, 2)[beyond] = float("nan")

    return lambda attend: attend(query, key, value, keys, values, position), reference, spoil


def _time(setting: Setting, attend: Attend, rows: int, context: int) -> float:
    heads, size = setting.either((FULL.heads, FULL.head_size), (TINY.heads, TINY.head_size))
    query = torch.zeros(rows, heads, size, device=setting.device)
    key = query.bfloat16()
    positions = setting.either(1024, context + 1)
    keys, values = torch.zeros(
        2, rows, heads, positions, size, dtype=torch.bfloat16, device=setting.device
    )
    position = torch.full((rows,), context, device=setting.device)
    return microseconds(setting, lambda: attend(query, key, key, keys, values, position), 20)
