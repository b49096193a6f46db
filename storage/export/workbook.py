"""Lists as Excel's workbooks. A workbook is written row by row, so that memory stays flat."""

from collections.abc import Sequence
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

from seedcast.errors import InvalidInput
from seedcast.storage.export.cells import harmless, text_of
from seedcast.storage.export.columns import Column, Line

# https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
MAX_ROWS = 1_048_576  # of a sheet, with that of the titles
MAX_COLUMNS = 16_384
MAX_CELL = 32_767  # UTF-16 units
_CUT = " …"


class XlsxFile:
    """One sheet, its titles fixed. Text is text: no cell is a formula, a link, or a guess."""

    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        """Raises InvalidInput if a sheet has not as many columns."""
        if len(columns) > MAX_COLUMNS:
            raise too_large(f"{len(columns):,} columns", f"{MAX_COLUMNS:,} columns")
        self._rows = TemporaryDirectory(prefix="seedcast-")  # the rows, until the end
        options = {"constant_memory": True, "use_zip64": True, "tmpdir": self._rows.name}
        self._book = Workbook(file, options)
        self._sheet = self._book.add_worksheet("list")
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._columns, self._row = columns, 0
        self.cut = 0  # cells that were too long
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for number, column in enumerate(columns):
            self._sheet.write_string(0, number, self._fitting(harmless(column.name)), bold)

    def write(self, line: Line) -> None:
        """Raises InvalidInput if the sheet is full: lines may have come since they were counted."""
        if self._row + 1 >= MAX_ROWS:
            raise too_large("more lines", f"{MAX_ROWS - 1:,} lines below the titles")
        self._row += 1
        for number, (column, value) in enumerate(zip(self._columns, line, strict=True)):
            if value is None:
                continue
            if column.kind == "text":
                self._sheet.write_string(self._row, number, self._fitting(harmless(text_of(value))))
            elif isinstance(value, datetime):  # a cell knows no zone
                naive = value.astimezone(UTC).replace(tzinfo=None)
                self._sheet.write_datetime(self._row, number, naive, self._moment)
            else:
                self._sheet.write_number(self._row, number, value)

    def close(self) -> None:
        """Raises OSError."""
        try:
            self._book.close()
        except FileCreateError as error:
            raise OSError(str(error)) from error
        finally:
            self._rows.cleanup()

    def abandon(self) -> None:
        self._rows.cleanup()

    def _fitting(self, text: str) -> str:
        if len(text) * 2 <= MAX_CELL or len(text.encode("utf-16-le")) // 2 <= MAX_CELL:
            return text
        self.cut += 1
        room = text.encode("utf-16-le")[: (MAX_CELL - len(_CUT)) * 2]
        return room.decode("utf-16-le", errors="ignore") + _CUT


def too_large(got: str, expected: str) -> InvalidInput:
    return InvalidInput(
        "a workbook",
        expected=f"at most {expected} in a sheet",
        got=got,
        remedy="export to .csv or .parquet, which have no such limit, or narrow it by --status"
        " or --profile",
    )
