"""What a workbook's reader does not tell of a sheet: its size, and cells that have no value.

The reader makes one dense table of a sheet, with a copy of each shared text: a few kilobytes with
one cell in the last row and column would take 500 GB. And it gives an empty cell for an error such
as #N/A, and for a formula that no program has calculated.
"""

import re
from array import array
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from seedcast.errors import InvalidInput
from seedcast.producers.rows.bounds import MIB
from seedcast.producers.rows.rows import BLOCK
from seedcast.producers.rows.workbook_parts import Parts

AREA = 20_000_000  # cells from A1 to the last row and column
CELL = BLOCK  # characters; Excel itself writes 32,767
TEXT = 512 * MIB  # characters of all cells together
MERGED = 100_000  # ranges
VALUELESS = 10_000  # cells without a value that are named one by one
_COUNTED = {"v", "t", "f"}  # elements whose text is that of a cell
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


class Cells:
    """The cells of one sheet. Raises InvalidInput if they are too many."""

    def __init__(
        self, path: Path, parts: Parts, part: str, sheet: str, shared: "array[int]"
    ) -> None:
        """`shared`: the characters of each shared text."""
        self._where = f"{path}, sheet {sheet!r}"
        self._lengths = shared
        self._row = self._column = self._widest = -1
        self._text_size = self._cell_size = self._merged = 0
        self._shared = self._reads = self._is_formula = self._is_text = False
        self._counts = self._in_cell = False
        self.valueless: dict[int, tuple[int, str]] = {}  # by row its first one, counted from 0
        parts.parse(part, self._start, self._text)
        self._end_cell()

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._counts = name in _COUNTED
        if name == "v":
            self._reads = self._shared or self._is_formula
        elif name == "c":
            self._end_cell()
            self._begin_cell(attributes)
        elif name == "row":
            self._end_cell()
            self._begin_row(attributes)
        elif name == "f":
            self._is_formula = self._in_cell and not self._is_text
        elif name == "is":
            self._is_formula = False
        elif name == "ext":  # below the cells: rules and lists to choose from, by formulas
            self._end_cell()
            self._in_cell = False
        elif name == "mergeCell":
            self._merged += 1
            if self._merged > MERGED:
                raise self._too_large(f"at most {MERGED:,} ranges of merged cells", "more")

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        number = attributes.get("r", "")
        self._row = int(number) - 1 if number.isdigit() and len(number) < 8 else self._row + 1
        self._column = -1
        self._refuse_area()

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        self._column += 1
        if place := _REFERENCE.fullmatch(attributes.get("r", "")):
            self._column, row = column_number(place[1]), int(place[2]) - 1
            if row != self._row:
                self._row = row
                self._refuse_area()
        if self._column > self._widest:
            self._widest = self._column
            self._refuse_area()
        self._in_cell = True
        kind = attributes.get("t", "")
        self._shared, self._is_text = kind == "s", kind == "str"
        if kind == "e":
            self._add("an error, such as #N/A")

    def _text(self, text: str) -> None:
        if self._counts:
            self._cell_size += len(text)
            if self._cell_size > CELL:
                raise _too_long(self._where, f"in row {self._row + 1:,} of the sheet")
            self._count(len(text))
        if not self._reads:
            return
        self._is_formula = self._is_formula and not text.strip()
        if self._shared and text.isdigit() and len(text) < 8 and int(text) < len(self._lengths):
            self._count(self._lengths[int(text)])

    def _count(self, characters: int) -> None:
        self._text_size += characters
        if self._text_size > TEXT:
            raise self._too_large(f"at most {TEXT:,} characters", "more")

    def _end_cell(self) -> None:
        if self._is_formula:
            self._add("a formula that was never calculated")
        self._reads = self._shared = self._is_formula = self._is_text = False
        self._cell_size = 0

    def _add(self, what: str) -> None:
        self.valueless.setdefault(self._row, (self._column, what))
        if len(self.valueless) > VALUELESS:
            raise InvalidInput(
                self._where,
                expected=f"at most {VALUELESS:,} rows with errors or with formulas without values",
                got="more",
                remedy="open the file in a spreadsheet program, calculate and save it",
            )

    def _refuse_area(self) -> None:
        if (self._row + 1) * (self._widest + 1) > AREA:
            raise self._too_large(
                f"at most {AREA:,} cells from A1 to the last row and column",
                f"{self._row + 1:,} rows and {self._widest + 1:,} columns",
            )

    def _too_large(self, expected: str, got: str) -> InvalidInput:
        return _too_large(self._where, expected, got)


def shared_lengths(path: Path, parts: Parts) -> "array[int]":
    """Return the characters of each shared text. Its reader has all of them in memory at once."""
    lengths = array("q")

    def start(name: str, _: Mapping[str, str]) -> None:
        if name == "si":
            lengths.append(0)
            if len(lengths) > AREA:
                raise _too_large(str(path), f"at most {AREA:,} shared texts", "more")

    def text(characters: str) -> None:
        if lengths:
            lengths[-1] += len(characters)
            if lengths[-1] > CELL:
                raise _too_long(str(path), f"in shared text {len(lengths):,}")

    if part := parts.part_of("sharedStrings"):
        parts.parse(part, start, text)
    return lengths


def _too_large(where: str, expected: str, got: str) -> InvalidInput:
    remedy = "delete rows and columns without values, or save the list as .csv"
    return InvalidInput(where, expected=expected, got=got, remedy=remedy)


def _too_long(where: str, place: str) -> InvalidInput:
    expected, got = f"cells of at most {CELL:,} characters", f"more {place}"
    return InvalidInput(where, expected=expected, got=got, remedy="shorten the text of that cell")


@lru_cache(maxsize=1024)
def column_number(letters: str) -> int:
    """Return the number of a column, counted from 0: A is 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def column_letters(number: int) -> str:
    letters, number = "", number + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
