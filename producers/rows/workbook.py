"""Excel workbooks (.xlsx): typed cells, from the first row with values, which is the header.

Rows are numbered from the header on, empty ones included: the number plus the header's own is
Excel's.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import python_calamine
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from seedcast.errors import InvalidInput, InvalidRow
from seedcast.producers.rows.file_options import FileOptions
from seedcast.producers.rows.merged import Merged
from seedcast.producers.rows.rows import SHOWN, BadRow, Row, Rows, check_columns
from seedcast.producers.rows.values import InvalidValue, whole
from seedcast.producers.rows.workbook_cells import Cells, column_letters, shared_lengths
from seedcast.producers.rows.workbook_parts import Parts
from seedcast.producers.rows.written import written

Line = list[object]


def read_workbook(path: Path, options: FileOptions) -> Rows:
    """Open a workbook. Raises InvalidInput."""
    with closing(Parts(path)) as parts:
        parts.check()
        shared = shared_lengths(path, parts)
        try:
            with _as_xlsx(path) as link, CalamineWorkbook.from_path(link) as workbook:
                name = _choose(path, workbook, options.sheet)
                cells = Cells(path, parts, parts.sheet_part(name), name, shared)
                sheet = workbook.get_sheet_by_name(name)
        except CalamineError as error:
            raise InvalidInput(f"{path} is no .xlsx workbook", got=str(error)[:200]) from error
    return _rows_of(f"{path}, sheet {name!r}", sheet, cells)


@contextmanager
def _as_xlsx(path: Path) -> Iterator[Path]:
    """Yield a path to the file that ends in .xlsx.

    By a file's suffix its reader chooses among formats of which only this one was checked.
    """
    with TemporaryDirectory(prefix="seedcast-") as folder:
        link = Path(folder, "list.xlsx")
        link.symlink_to(path.absolute())
        yield link


def _choose(path: Path, workbook: CalamineWorkbook, wanted: str | None) -> str:
    """Return the name of the sheet that is meant."""
    shown = python_calamine.SheetVisibleEnum.Visible
    kind = python_calamine.SheetTypeEnum.WorkSheet
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == kind]
    names = [sheet.name for sheet in sheets if wanted is not None or sheet.visible == shown]
    if wanted in names or (len(names) == 1 and wanted is None):
        return wanted or names[0]
    raise InvalidInput(
        str(path),
        expected=f"a sheet {wanted!r}" if wanted is not None else "one visible sheet",
        got=", ".join(map(repr, names))[:SHOWN] or "none",
        remedy="say which with --sheet (SubmitOptions.sheet)",
    )


def _rows_of(where: str, sheet: CalamineSheet, cells: Cells) -> Rows:
    lines: Iterator[tuple[int, Line]] = enumerate(list(line) for line in sheet.iter_rows())
    first, header = next(((number, line) for number, line in lines if any(_there(line))), (0, []))
    if not header:
        expected = "a header and at least one row"
        raise InvalidInput(f"{where} has no rows", expected=expected, got="no values")
    merged = Merged(sheet.merged_cell_ranges or ())
    if merged.touches(first) or first in cells.valueless:
        raise InvalidInput(
            f"{where}, row {first + 1} of the sheet",
            expected="a header with one name in each cell",
            got="merged cells" if merged.touches(first) else cells.valueless[first][1],
            remedy="delete the titles above the header, and separate its cells",
        )
    columns = check_columns(where, _names(where, header))
    return Rows(columns, _rows(columns, first, lines, merged, cells))


def _there(line: Line) -> Iterator[bool]:
    return (value != "" for value in line)


def _names(where: str, header: Line) -> list[str]:
    """Return the names of the columns up to the last one that has a name."""
    width = max(number for number, there in enumerate(_there(header), start=1) if there)
    try:
        return [written(whole(value)) for value in header[:width]]
    except InvalidValue as error:
        raise error.of_input(f"{where}, header") from None


def _rows(
    columns: tuple[str, ...],
    first: int,
    lines: Iterator[tuple[int, Line]],
    merged: Merged,
    cells: Cells,
) -> Iterator[Row | BadRow]:
    width = len(columns)
    for index, line in lines:
        number = index - first
        across = merged.fill(index, line)
        wrong = cells.valueless.get(index) or (across is not None and (across, _ACROSS))
        if wrong:
            column, got = wrong
            yield _bad(number, columns, column, "a value of its own", got)
        elif any(_there(line[width:])):
            column = next(n for n, there in enumerate(_there(line)) if there and n >= width)
            yield _bad(number, columns, column, "a name for its column in the header", "a value")
        elif any(_there(line)):
            yield number, dict(zip(columns, map(whole, line), strict=False))


_ACROSS = "cells merged across columns"


def _bad(number: int, columns: tuple[str, ...], column: int, expected: str, got: str) -> BadRow:
    name = columns[column] if column < len(columns) else f"column {column_letters(column)}"
    return BadRow(InvalidRow(number, name, expected=expected, got=got), "")
