"""The whole decoder gives a row the same bits in every slot.

Whatever its neighbours are, and with any number of threads.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.kernels import int8, linear
from seedcast.gpu_consumers.engines.chattts.kernels.linear import Linear
from seedcast.gpu_consumers.engines.chattts.model.decoder import Decoder, Weights
from seedcast.gpu_consumers.engines.chattts.model.dimensions import TINY

# So wide that elementwise operations are shared among threads.
WIDE = replace(TINY, layers=1, intermediate=3_072)
ROWS, STEPS = 48, 2


SLOW = pytest.mark.slow


@pytest.fixture(params=[3, *(pytest.param(count, marks=SLOW) for count in (1, 2, 5))])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def weights() -> Weights:
    random = torch.Generator().manual_seed(0)
    hidden, wide = WIDE.hidden, WIDE.intermediate
    shapes = {f"self_attn.{letter}_proj": (hidden, hidden) for letter in "qkvo"}
    shapes |= {
        "mlp.gate_proj": (wide, hidden),
        "mlp.up_proj": (wide, hidden),
        "mlp.down_proj": (hidden, wide),
    }
    drawn = {
        f"layers.0.{name}.weight": torch.randn(shape, generator=random) / shape[1] ** 0.5
        for name, shape in shapes.items()
    }
    norms = (
        "layers.0.input_layernorm.weight",
        "layers.0.post_attention_layernorm.weight",
        "norm.weight",
    )
    return drawn | {name: torch.ones(hidden) for name in norms}


def run(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the hidden states (steps, rows, hidden) of embeddings of the same shape."""
    decoder = Decoder(WIDE, weights(), ROWS, STEPS, dtype, torch.device("cpu"))
    return torch.stack(
        [decoder.forward(step, torch.full((ROWS,), position)) for position, step in enumerate(x)]
    )


def test_int8_rounds_the_weights_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not rounded to bfloat16 first."""
    prepared = list[Tensor]()

    def recorded(weight: Tensor, rows: int) -> Linear:
        prepared.append(weight)
        return linear.prepare(weight, rows)

    monkeypatch.setattr(int8, "prepare", recorded)
    Decoder(WIDE, weights(), ROWS, STEPS, torch.int8, torch.device("cpu"))
    expected = [
        weights()[f"layers.0.{name}.weight"] for name in ("self_attn.o_proj", "mlp.down_proj")
    ]
    for weight in expected:
        assert any(torch.equal(weight, other) for other in prepared)


INT8 = [pytest.param(torch.int8, marks=SLOW)] if torch.cpu._is_vnni_supported() else []


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, *INT8], ids=str)
def test_a_row_has_the_same_bits_in_every_slot(dtype: torch.dtype) -> None:
    """Three and five threads get unequal numbers of rows."""
    random = torch.Generator().manual_seed(1)
    mine, others = (torch.randn(STEPS, count, WIDE.hidden, generator=random) for count in (1, ROWS))
    expected = run(mine.expand(-1, ROWS, -1).contiguous(), dtype)
    assert torch.equal(expected, expected[:, :1].expand_as(expected))
    for slots in (slice(0, None, 2), slice(1, None, 2), slice(ROWS - 1, None)):
        mixed = others.clone()
        mixed[:, slots] = mine
        assert torch.equal(run(mixed, dtype)[:, slots], expected[:, slots])
