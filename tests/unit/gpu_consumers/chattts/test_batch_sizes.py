"""Fewer rows for few busy slots: which numbers of rows may be taken, what moves, and that nobody can hear it."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear

from gpu_consumers.engines.chattts.batch_sizes import BatchSizes
from gpu_consumers.engines.chattts.engine import ChatTTSEngine
from gpu_consumers.engines.chattts.kernels import row_invariance
from gpu_consumers.engines.chattts.model.dimensions import TINY
from gpu_consumers.engines.chattts.model.slots import Slots
from gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak
from tests.unit.gpu_consumers.chattts.test_graph import state

CPU = torch.device("cpu")
ROWS, INPUTS = 64, 64
WEIGHT = torch.randn(192, INPUTS, generator=torch.Generator().manual_seed(8))


def exact(x: Tensor) -> Tensor:
    return linear(x.double(), WEIGHT.double()).float()


def otherwise_below(rows: int, dtype: torch.dtype) -> row_invariance.Product:
    """As a library does that adds in another order where there are few rows."""
    weight = row_invariance.weight(192, INPUTS).to(dtype).float()

    def product(x: Tensor) -> Tensor:
        halves = [
            linear(part, columns)
            for part, columns in zip(
                x.float().split(INPUTS // 2, 1), weight.split(INPUTS // 2, 1), strict=True
            )
        ]
        return (
            sum(halves[1:], halves[0])
            if len(x) >= rows
            else linear(x.float().flip(1).contiguous(), weight.flip(1).contiguous())
        ).to(dtype)

    return product


def test_rows_are_halved_as_long_as_the_bits_are_the_same() -> None:
    assert row_invariance.narrower(exact, ROWS, INPUTS, torch.float32, CPU) == (32, 16, 8)
    assert row_invariance.narrower(exact, 50, INPUTS, torch.float32, CPU) == (25, 13)
    assert row_invariance.narrower(exact, row_invariance.FEWEST, INPUTS, torch.float32, CPU) == ()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_another_order_of_additions_is_found_in_either_precision(dtype: torch.dtype) -> None:
    assert row_invariance.narrower(otherwise_below(32, dtype), ROWS, INPUTS, dtype, CPU) == (32,)
    assert row_invariance.narrower(otherwise_below(64, dtype), ROWS, INPUTS, dtype, CPU) == ()


def filled(rows: int, busy: dict[int, str]) -> tuple[Slots, list[str | None]]:
    """Slots whose every value is their number, and what they hold."""
    slots = Slots(rows, TINY, prompt=4, tokens=4, device=CPU)
    for slot in range(rows):
        for tensor in state(slots):
            tensor[slot] = slot
    slots.running.copy_(torch.tensor([slot in busy for slot in range(rows)]))
    return slots, [busy.get(slot) for slot in range(rows)]


def test_what_is_held_above_moves_down_with_all_that_it_has() -> None:
    slots, held = filled(16, {1: "a", 9: "b", 14: "c"})
    moved = list[tuple[int, int, int]]()
    taken = BatchSizes(slots, [4, 8, 16], lambda *move: moved.append(move)).fit(held)
    assert held[:4] == ["b", "a", "c", None]
    assert not any(held[4:])
    assert moved == [(9, 0, 9), (14, 2, 14)]
    assert len(taken) == 4
    assert [
        [int(tensor[slot].flatten()[0]) for slot in (0, 1, 2)]
        for tensor in (taken.prompt, taken.hidden, taken.warp.top_k, taken.draw.seed)
    ] == [[9, 1, 14]] * 4
    assert taken.running.tolist() == [True, True, True, False]
    assert (slots.running.sum(), slots.position[9], slots.position[14]) == (3, 0, 0)


def test_the_rows_of_a_rung_are_the_slots_themselves() -> None:
    slots, held = filled(16, {0: "a"})
    BatchSizes(slots, [8, 16], lambda *_: None).fit(held).draw.step.add_(5)
    assert slots.draw.step.tolist() == [5, 6, 7, 8, 9, 10, 11, 12, 8, 9, 10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize(("busy", "rows"), [(1, 4), (4, 4), (5, 8), (9, 16), (16, 16)])
def test_the_lowest_rung_that_holds_all_is_taken(busy: int, rows: int) -> None:
    slots, held = filled(16, dict.fromkeys(range(16 - busy, 16), "x"))
    assert len(BatchSizes(slots, [16, 8, 4], lambda *_: None).fit(held)) == rows


class Counting:
    """A Stepper that notes how many rows each step had."""

    def __init__(self, made: ChatTTSEngine, error: float = 0.0) -> None:
        self.rows, self._step, self._all, self._error = (
            set[int](),
            made._model.step,
            made.slots,
            error,
        )
        made._model = self

    def step(self, slots: Slots, refining: bool) -> None:
        self.rows.add(len(slots))
        self._step(slots, refining)
        if len(slots) < self._all:
            slots.hidden += self._error


REQUESTS = mixed(30)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_engine_goes_down_the_ladder_and_nobody_hears_it(tiny: Assets, precision: str) -> None:
    whole, stepping = (
        engine(tiny, precision=precision, slots=32),
        engine(tiny, precision=precision, slots=32),
    )
    whole._ladder = BatchSizes(whole._slots, [32], whole._model._decoder.move)
    seen, rungs = Counting(stepping), set(stepping._ladder._rungs)
    assert speak(stepping, REQUESTS) == speak(whole, REQUESTS)
    assert seen.rows == rungs
    if precision == "float32":
        assert len(rungs) > 1, "else nothing was shown"


def test_a_rung_with_other_bits_would_be_heard(tiny: Assets) -> None:
    """Broken on purpose."""
    honest, broken = engine(tiny, slots=32), engine(tiny, slots=32)
    Counting(broken, error=1e-3)
    assert speak(broken, REQUESTS) != speak(honest, REQUESTS)
