"""No sum over a row depends on where in memory the row lies.

On a CUDA device torch adds a row's elements before the first address that 16 divides apart from
the others. Of rows whose addresses differ modulo 16 each may so be added in another order. Here
the layout of every sum is looked at, so no device is needed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from seedcast.gpu_consumers.engines.chattts.kernels import rowwise_torch
from seedcast.gpu_consumers.engines.chattts.model import sampling
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL, TINY
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import engine, mixed

# Their results depend on the order of additions or products.
ORDERED = {
    *("_log_softmax", "_softmax", "cumsum", "linalg_vector_norm", "logcumsumexp", "logsumexp"),
    *("mean", "norm", "native_layer_norm", "prod", "std", "std_mean", "sum", "var", "var_mean"),
}
SHORT = 127  # elements; torch adds fewer in one way, whatever their address


class Sums(TorchDispatchMode):
    """Notes each sum over long rows, and those whose rows lie at addresses of several kinds."""

    def __init__(self, shortest: int = SHORT) -> None:
        super().__init__()
        self._shortest = shortest
        self.seen, self.uneven = list[str](), list[str]()

    def __torch_dispatch__(
        self,
        function: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = function.overloadpacket.__name__
        values = args[0] if args else None
        if name in ORDERED and isinstance(values, Tensor) and values.is_floating_point():
            self._look_at(name, values, args[1:])
        return function(*args, **(kwargs or {}))

    def _look_at(self, name: str, values: Tensor, arguments: Sequence[Any]) -> None:
        position = 1 if "norm" in name else 0  # norms have their order first
        over = arguments[position] if len(arguments) > position else None
        axes = [over] if isinstance(over, int) else list(over or range(values.dim()))
        along = {axis % values.dim() for axis in axes}
        if max(values.shape[axis] for axis in along if values.stride(axis) <= 1) < self._shortest:
            return
        what = f"{name} over {tuple(values.shape)}, strides {values.stride()}"
        self.seen.append(what)
        others = set(range(values.dim())) - along
        steps = (values.stride(axis) for axis in others if values.shape[axis] > 1)
        if any(step * values.element_size() % 16 for step in steps):
            self.uneven.append(what)


def in_a_step(assets: Assets, sums: Sums) -> None:
    """Look at a step as a device does, but for its attention: with what torch computes by row."""
    made = engine(assets, slots=8)
    made._model._decoder._rowwise = rowwise_torch
    for ticket, request in enumerate(mixed(8)):
        made.admit(ticket, request)
    with torch.inference_mode(), sums:
        made._model.step(made._slots, True)


@pytest.mark.parametrize(
    ("books", "tokens"), [(FULL.codebooks, FULL.audio_tokens), (1, FULL.text_tokens)]
)
def test_the_sampler_adds_each_row_in_the_same_order(books: int, tokens: int) -> None:
    with Sums() as sums:
        sample(books, tokens)
    assert sums.seen
    assert not sums.uneven


def test_a_step_adds_each_row_in_the_same_order(tiny: Assets) -> None:
    sums = Sums(TINY.hidden)  # a long row in full size
    in_a_step(tiny, sums)
    assert any(what.startswith("mean") for what in sums.seen), "the norms were not looked at"
    assert any(what.startswith("logsumexp") for what in sums.seen)
    assert not sums.uneven


def test_rows_that_are_not_filled_up_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: the sampler as it was."""
    unchanged: Callable[[Tensor], Tensor] = lambda logits: logits  # noqa: E731
    monkeypatch.setattr(sampling, "aligned", unchanged)
    with Sums() as sums:
        sample(1, FULL.text_tokens)
    assert [what.partition(" ")[0] for what in sums.uneven] == ["logsumexp"]


def sample(books: int, tokens: int, rows: int = 3) -> None:
    logits = torch.randn(rows, books, tokens, generator=torch.Generator().manual_seed(1))
    window = torch.full((rows, books, sampling.WINDOW), -1)
    warp = sampling.Warp(
        temperature=torch.ones(rows),
        top_p=torch.full((rows,), 0.7),
        top_k=torch.full((rows,), 20),
        penalty=torch.full((rows,), 1.05),
    )
    draw = sampling.Draw(*torch.zeros(5, rows, dtype=torch.long))
    sampling.sample(logits, window, warp, draw, tokens - 1, torch.ones(rows, dtype=torch.bool))
