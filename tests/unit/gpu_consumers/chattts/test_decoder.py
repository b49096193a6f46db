"""The whole decoder: a row has the same bits in every slot, whatever its neighbours and the number of threads."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gpu_consumers.engines.chattts.kernels import int8, linear
from gpu_consumers.engines.chattts.kernels.linear import Linear
from gpu_consumers.engines.chattts.model.decoder import Decoder, Weights
from gpu_consumers.engines.chattts.model.dimensions import TINY

WIDE = replace(
    TINY, layers=1, intermediate=3_072
)  # so wide that the elementwise operations are shared among threads
ROWS, STEPS = 48, 2


@pytest.fixture(params=[1, 2, 3, 5])
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
    """Hidden states (steps, rows, hidden) of embeddings of the same shape."""
    decoder = Decoder(WIDE, weights(), ROWS, STEPS, dtype, torch.device("cpu"))
    return torch.stack(
        [decoder.forward(step, torch.full((ROWS,), position)) for position, step in enumerate(x)]
    )


def test_int8_rounds_the_weights_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not what bfloat16 made of them."""
    given = list[Tensor]()

    def noted(weight: Tensor, rows: int) -> Linear:
        given.append(weight)
        return linear.prepare(weight, rows)

    monkeypatch.setattr(int8, "prepare", noted)
    Decoder(WIDE, weights(), ROWS, STEPS, torch.int8, torch.device("cpu"))
    expected = [
        weights()[f"layers.0.{name}.weight"] for name in ("self_attn.o_proj", "mlp.down_proj")
    ]
    assert [any(torch.equal(weight, found) for found in given) for weight in expected] == [
        True,
        True,
    ]


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.bfloat16, *([torch.int8] if torch.cpu._is_vnni_supported() else [])],
    ids=str,
)
def test_a_row_has_the_same_bits_in_every_slot(dtype: torch.dtype) -> None:
    """Three and five threads share rows out unevenly."""
    random = torch.Generator().manual_seed(1)
    mine, others = (torch.randn(STEPS, count, WIDE.hidden, generator=random) for count in (1, ROWS))
    expected = run(mine.expand(-1, ROWS, -1).contiguous(), dtype)
    assert torch.equal(expected, expected[:, :1].expand_as(expected))
    for places in (slice(0, None, 2), slice(1, None, 2), slice(ROWS - 1, None)):
        mixed = others.clone()
        mixed[:, places] = mine
        assert torch.equal(run(mixed, dtype)[:, places], expected[:, places])
