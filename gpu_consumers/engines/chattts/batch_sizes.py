"""The batch sizes of a step: a few busy slots need only a few rows.

A step takes the lowest batch size that holds all busy slots. The batch sizes are those at which
each matrix product gives a row the same bits (`row_invariance.smaller_batch_sizes`), so the
waveform does not depend on the choice. On a CUDA device there is only one size, all slots.
"""

from collections.abc import Callable, Iterable, MutableSequence
from typing import Any

from seedcast.gpu_consumers.engines.chattts.model.slots import Slots

MoveRow = Callable[[int, int, int], None]  # `Decoder.move`: source, target, positions


class BatchSizes:
    """Views of the slots by batch size. `move` copies a row of the decoder's caches."""

    def __init__(self, slots: Slots, sizes: Iterable[int], move: MoveRow) -> None:
        self.slots, self._move = slots, move
        self._views = {
            rows: slots.first(rows) if rows < len(slots) else slots for rows in sorted(sizes)
        }

    def fit(self, occupants: MutableSequence[Any]) -> Slots:
        """Return the first rows of the slots, as many as the lowest batch size that holds all.

        `occupants` has a value per slot, a false one if the slot is free. An occupant
        outside those rows moves to a free slot inside them, both in `occupants` and on the device.
        """
        rows = next(rows for rows in self._views if rows >= sum(map(bool, occupants)))
        free = (slot for slot in range(rows) if not occupants[slot])
        for slot in range(rows, len(occupants)):
            if occupants[slot]:
                self._move_down(slot, target := next(free))
                occupants[target], occupants[slot] = occupants[slot], occupants[target]
        return self._views[rows]

    def _move_down(self, source: int, target: int) -> None:
        self._move(source, target, int(self.slots.position[source]))
        self.slots.move(source, target)
