"""Batch sizes: which numbers of rows a step may take, what moves, and that nobody can hear it."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear

from seedcast.gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.kernels.row_invariance import (
    MIN_BATCH_SIZE,
    Product,
    cancelling_weight,
    smaller_batch_sizes,
)
from seedcast.gpu_consumers.engines.chattts.model.dimensions import TINY
from seedcast.gpu_consumers.engines.chattts.model.slots import Slots
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak
from tests.unit.gpu_consumers.chattts.tensors import state

CPU = torch.device("cpu")
ROWS, INPUTS = 64, 64
WEIGHT = torch.randn(192, INPUTS, generator=torch.Generator().manual_seed(8))


def exact(x: Tensor) -> Tensor:
    return linear(x.double(), WEIGHT.double()).float()


def reordered_below(rows: int, dtype: torch.dtype) -> Product:
    """A product that adds in another order if it gets fewer rows, as a library may."""
    weight = cancelling_weight(192, INPUTS).to(dtype).float()

    def in_halves(x: Tensor) -> Tensor:
        parts = zip(x.split(INPUTS // 2, 1), weight.split(INPUTS // 2, 1), strict=True)
        halves = [linear(part, columns) for part, columns in parts]
        return sum(halves[1:], halves[0])

    def reversed_order(x: Tensor) -> Tensor:
        return linear(x.flip(1).contiguous(), weight.flip(1).contiguous())

    def product(x: Tensor) -> Tensor:
        multiply = in_halves if len(x) >= rows else reversed_order
        return multiply(x.float()).to(dtype)

    return product


def sizes(product: Product, rows: int, dtype: torch.dtype = torch.float32) -> tuple[int, ...]:
    return smaller_batch_sizes(product, rows, INPUTS, dtype, CPU)


def test_rows_are_halved_as_long_as_the_bits_are_the_same() -> None:
    assert sizes(exact, ROWS) == (32, 16, 8)
    assert sizes(exact, 50) == (25, 13)
    assert sizes(exact, MIN_BATCH_SIZE) == ()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_another_order_of_additions_is_found_in_either_precision(dtype: torch.dtype) -> None:
    assert sizes(reordered_below(32, dtype), ROWS, dtype) == (32,)
    assert sizes(reordered_below(64, dtype), ROWS, dtype) == ()


def filled(rows: int, busy: dict[int, str]) -> tuple[Slots, list[str | None]]:
    """Slots in which every value is the number of its slot, and their occupants."""
    slots = Slots(rows, TINY, prompt=4, tokens=4, device=CPU)
    for slot in range(rows):
        for tensor in state(slots):
            tensor[slot] = slot
    slots.running.copy_(torch.tensor([slot in busy for slot in range(rows)]))
    return slots, [busy.get(slot) for slot in range(rows)]


def test_an_occupant_above_the_batch_size_moves_down_with_its_whole_state() -> None:
    slots, occupants = filled(16, {1: "a", 9: "b", 14: "c"})
    moved = list[tuple[int, int, int]]()
    view = BatchSizes(slots, [4, 8, 16], lambda *move: moved.append(move)).fit(occupants)
    assert occupants[:4] == ["b", "a", "c", None]
    assert not any(occupants[4:])
    assert moved == [(9, 0, 9), (14, 2, 14)]
    assert len(view) == 4
    assert [
        [int(tensor[slot].flatten()[0]) for slot in (0, 1, 2)]
        for tensor in (view.prompt, view.hidden, view.warp.top_k, view.draw.seed)
    ] == [[9, 1, 14]] * 4
    assert view.running.tolist() == [True, True, True, False]
    assert (slots.running.sum(), slots.position[9], slots.position[14]) == (3, 0, 0)


def test_the_rows_of_a_batch_size_share_the_memory_of_the_slots() -> None:
    slots, occupants = filled(16, {0: "a"})
    BatchSizes(slots, [8, 16], lambda *_: None).fit(occupants).draw.step.add_(5)
    assert slots.draw.step.tolist() == [5, 6, 7, 8, 9, 10, 11, 12, 8, 9, 10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize(("busy", "rows"), [(1, 4), (4, 4), (5, 8), (9, 16), (16, 16)])
def test_the_lowest_batch_size_that_holds_all_is_taken(busy: int, rows: int) -> None:
    slots, occupants = filled(16, dict.fromkeys(range(16 - busy, 16), "x"))
    assert len(BatchSizes(slots, [16, 8, 4], lambda *_: None).fit(occupants)) == rows


class CountingStepper:
    """Notes how many rows each step of an engine has, and adds `error` to those with fewer."""

    def __init__(self, made: ChatTTSEngine, error: float = 0.0) -> None:
        self.rows = set[int]()
        self._step, self._all, self._error = made._model.step, made.slots, error
        made._model = self

    def step(self, slots: Slots, refining: bool) -> None:
        self.rows.add(len(slots))
        self._step(slots, refining)
        if len(slots) < self._all:
            slots.hidden += self._error


SLOTS = 16
REQUESTS = [request for request in mixed(15) if len(request.text) < 80]  # few steps


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_an_engine_takes_every_batch_size_and_nobody_hears_it(tiny: Assets, precision: str) -> None:
    whole = engine(tiny, precision=precision, slots=SLOTS)
    whole._batch_sizes = BatchSizes(whole._slots, [SLOTS], whole._model._decoder.move)
    stepping = engine(tiny, precision=precision, slots=SLOTS)
    counting, batch_sizes = CountingStepper(stepping), set(stepping._batch_sizes._views)
    assert speak(stepping, REQUESTS) == speak(whole, REQUESTS)
    assert counting.rows == batch_sizes
    if precision == "float32":
        assert len(batch_sizes) > 1, "with one batch size the test shows nothing"


@pytest.mark.slow
def test_a_batch_size_with_other_bits_would_be_heard(tiny: Assets) -> None:
    """Mutant: steps with fewer rows have an error."""
    honest, broken = engine(tiny, slots=SLOTS), engine(tiny, slots=SLOTS)
    CountingStepper(broken, error=1e-3)
    assert speak(broken, REQUESTS) != speak(honest, REQUESTS)
