"""Merged cells of a sheet: their value stands in the first of them alone. Pure."""

from collections import defaultdict
from collections.abc import Iterable

Place = tuple[int, int]  # row and column, counted from 0


class Merged:
    """A value that is merged over several rows of one column is that of each of these rows.

    What a value that is merged across columns means, nobody can tell.
    """

    def __init__(self, ranges: Iterable[tuple[Place, Place]]) -> None:
        self._starting = defaultdict[int, list[tuple[Place, Place]]](list)
        for first, last in ranges:
            self._starting[first[0]].append((first, last))
        self._down: dict[int, tuple[int, object]] = {}  # by column: last row, value
        self._across: dict[int, int] = {}  # by first column: last row

    def touches(self, row: int) -> bool:
        """Return True if a range begins in this row, or above it and reaches it."""
        return any(
            start <= row <= last[0] for start, all_ in self._starting.items() for _, last in all_
        )

    def fill(self, row: int, line: list[object]) -> int | None:
        """Fill in the values of the rows above; each row is filled once, in their order.

        Returns the first column of a range across columns, or None.
        """
        if not self._starting:
            return None
        for (_, column), (last, last_column) in self._starting.get(row, ()):
            if column != last_column:
                self._across[column] = last
            elif column < len(line):
                self._down[column] = last, line[column]
        self._across = {c: last for c, last in self._across.items() if last >= row}
        self._down = {c: down for c, down in self._down.items() if down[0] >= row}
        for column, (_, value) in self._down.items():
            line[column] = value
        return min(self._across, default=None)
