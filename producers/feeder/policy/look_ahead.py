"""A list's rows, in order, except that rows whose partition is full are passed over.

A row is passed (read, and not fed yet), taken (being fed), or fed. Rows that are not fed are kept
in memory, so at most a window of them are passed over: a partition that stays full stops its list
only once that many of its rows wait.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Set
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

R = TypeVar("R")
P = TypeVar("P", bound=Hashable)

WINDOW = 4000  # rows; a worker of eight may hang for 32,000 rows of a list


@dataclass(frozen=True)
class Place:
    """How far a list is fed: every row before `read`, but for those that `unfed` names."""

    read: int = 0
    unfed: tuple[
        int, ...
    ] = ()  # rows by index, from 0, in order; at most a window, and those taken

    @property
    def fed(self) -> int:
        """How many rows are fed."""
        return self.read - len(self.unfed)

    @property
    def first(self) -> int:
        """The first row that is not fed: rows are read again from there."""
        return self.unfed[0] if self.unfed else self.read


START = Place()


class LookAhead(Generic[R, P]):
    """`R`: a row; `P`: what names a partition."""

    def __init__(
        self,
        rows: Iterator[R],
        partition_of: Callable[[R], P],
        place: Place = START,
        window: int = WINDOW,
    ) -> None:
        """`rows`: from `place.first` on. Raises what they raise."""
        self._rows, self._partition_of, self.window = rows, partition_of, window
        self._passed: dict[P, deque[tuple[int, R]]] = {}
        self._taken: dict[int, R] = {}
        self._count = 0  # rows that are passed
        self._read = place.first
        self._ended = False
        self._restore(place)

    @property
    def place(self) -> Place:
        passed = (index for rows in self._passed.values() for index, _ in rows)
        return Place(self._read, tuple(sorted((*passed, *self._taken))))

    @property
    def fed(self) -> int:
        """How many rows are fed."""
        return self._read - self._count - len(self._taken)

    @property
    def taken(self) -> int:
        """How many rows are being fed."""
        return len(self._taken)

    @property
    def is_fed(self) -> bool:
        """True once every row is."""
        return self._ended and not self._count and not self._taken

    @property
    def has_passed(self) -> bool:
        """True if rows wait for room in their partitions."""
        return self._count > 0

    def take(self, roomy: Set[P]) -> tuple[int, R] | None:
        """Return the first row, and its index, of a partition in `roomy`; None if there is none.

        Raises what reading rows raises; then nothing has changed, and `resume` goes on.
        """
        found = self._first_passed(roomy)
        while found is None and roomy and not self._ended and self._count < self.window:
            found = self._read_on(roomy)
        if found:
            self._taken[found[0]] = found[1]
        return found

    def acknowledge(self, index: int) -> None:
        """A row that was taken is fed."""
        del self._taken[index]

    def give_back(self, index: int) -> None:
        """A row that was taken is not fed: it comes again, before the later ones."""
        row = self._taken.pop(index)
        waiting = self._passed.setdefault(self._partition_of(row), deque())
        later = [entry for entry in waiting if entry[0] > index]
        for _ in later:
            waiting.pop()
        waiting.extend([(index, row), *later])
        self._count += 1

    def resume(self, rows: Iterator[R]) -> None:
        """Go on after an error of the rows. `rows`: from `place.read` on."""
        self._rows, self._ended = rows, False

    def _restore(self, place: Place) -> None:
        unfed = frozenset(place.unfed)
        for row in islice(self._rows, place.read - place.first):
            if self._read in unfed:
                self._pass(self._partition_of(row), self._read, row)
            self._read += 1

    def _read_on(self, roomy: Set[P]) -> tuple[int, R] | None:
        """Read one row; return it if its partition has room."""
        for row in islice(self._rows, 1):
            index, self._read = self._read, self._read + 1
            partition = self._partition_of(row)
            if partition in roomy:
                return index, row
            self._pass(partition, index, row)
            return None
        self._ended = True
        return None

    def _pass(self, partition: P, index: int, row: R) -> None:
        self._passed.setdefault(partition, deque()).append((index, row))
        self._count += 1

    def _first_passed(self, roomy: Set[P]) -> tuple[int, R] | None:
        if not self._passed:
            return None
        waiting = [self._passed[partition] for partition in self._passed.keys() & roomy]
        if not waiting:
            return None
        first = min(waiting, key=lambda rows: rows[0][0])
        found = first.popleft()
        self._count -= 1
        if not first:
            del self._passed[self._partition_of(found[1])]
        return found
