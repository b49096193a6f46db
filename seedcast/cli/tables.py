"""Tables that lose nothing: a pipe gets every column at its full width.

On a terminal that is too narrow, the columns of least worth are stacked under their row. Nothing
is cut, so that a name or a number that is shown is the whole one.
"""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from seedcast.cli.base import out

GAP = "  "
Row = Sequence[str | Text]


def show(columns: Sequence[str], rows: Iterable[Row], *, stacked_first: Sequence[str] = ()) -> None:
    """Print the rows on stdout; no heading if all titles are empty.

    Where the terminal is too narrow, columns are stacked: `stacked_first` in this order, then from
    the right. The first column stays.
    """
    for line in lines(columns, rows, out, stacked_first=stacked_first):
        out.print(line)


def lines(
    columns: Sequence[str], rows: Iterable[Row], console: Console, *, stacked_first: Sequence[str]
) -> Iterator[Text]:
    """Yield the table's lines, for the console's width if it is a terminal."""
    table = [[_cell(value) for value in row] for row in rows]
    widths = [
        max(cell_len(title), *(row[number].cell_len for row in table), 0)
        for number, title in enumerate(columns)
    ]
    width = console.width if console.is_terminal else None
    beside = _beside(columns, widths, width, stacked_first)
    if any(columns):
        yield _line([Text(title, "bold") for title in columns], widths, beside)
    beneath = [number for number in range(len(columns)) if number not in beside]
    for row in table:
        yield _line(row, widths, beside)
        named = [_named(columns[number], row[number]) for number in beneath if row[number]]
        yield from _stack(named, console)


def _cell(value: str | Text) -> Text:
    """Return a cell of one line."""
    text = value if isinstance(value, Text) else Text(value)
    return Text(" ").join(text.split("\n"))


def _beside(
    columns: Sequence[str], widths: Sequence[int], width: int | None, stacked_first: Sequence[str]
) -> list[int]:
    """Return the numbers of the columns that fit beside each other."""
    beside = list(range(len(columns)))
    leaving = [columns.index(title) for title in stacked_first]
    leaving += [number for number in reversed(beside) if number not in leaving]
    for number in leaving:
        total = sum(widths[kept] for kept in beside) + len(GAP) * (len(beside) - 1)
        if width is None or total <= width or len(beside) == 1:
            break
        beside.remove(number)
    return beside


def _line(row: Sequence[Text], widths: Sequence[int], beside: Sequence[int]) -> Text:
    """Return the cells beside each other, without spaces at the end."""
    line = Text()
    for number in beside:
        line.append_text(row[number])
        line.append(" " * (widths[number] - row[number].cell_len) + GAP)
    line.rstrip()
    return line


def _named(title: str, cell: Text) -> Text:
    return Text.assemble((f"{title} ", "dim"), cell) if title else cell


def _stack(named: Iterable[Text], console: Console) -> Iterator[Text]:
    """Yield the stacked cells, indented: as many on a line as fit, the longer ones over several."""
    room, line = console.width - len(GAP), Text()
    for cell in named:
        if line and line.cell_len + len(GAP) + cell.cell_len > room:
            yield from _indented(line, console, room)
            line = Text()
        line = Text.assemble(line, GAP if line else "", cell)
    if line:
        yield from _indented(line, console, room)


def _indented(line: Text, console: Console, room: int) -> Iterator[Text]:
    for part in line.wrap(console, room):
        part.rstrip()
        yield Text.assemble(GAP, part)
