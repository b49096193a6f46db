"""Few busy slots need few rows: a step takes the lowest rung that holds them.

The rungs are the numbers of rows at which each product gives a row the same bits (`probe.narrower`), so which one a step
took cannot be heard. As long as something waits all slots are busy; the lower rungs are for a list's end and for a quiet hour.
"""

from collections.abc import Callable, Iterable, MutableSequence
from typing import Any

from gpu_consumers.engines.chattts.model.slots import Slots

Move = Callable[[int, int, int], None]  # `Decoder.move`


class BatchSizes:
    def __init__(self, slots: Slots, rungs: Iterable[int], move: Move) -> None:
        self.slots, self._move = slots, move
        self._rungs = {
            rows: slots.first(rows) if rows < len(slots) else slots for rows in sorted(rungs)
        }

    def fit(self, held: MutableSequence[Any]) -> Slots:
        """The slots of the lowest rung for what is held, a value a slot, false where it is free. What is held above moves down, here as there."""
        rows = next(rows for rows in self._rungs if rows >= sum(map(bool, held)))
        free = (slot for slot in range(rows) if not held[slot])
        for slot in range(rows, len(held)):
            if held[slot]:
                self._down(slot, target := next(free))
                held[target], held[slot] = held[slot], held[target]
        return self._rungs[rows]

    def _down(self, source: int, target: int) -> None:
        self._move(source, target, int(self.slots.position[source]))
        self.slots.move(source, target)
