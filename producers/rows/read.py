"""Files to rows: CSV, JSON Lines and Parquet in batches, so that memory does not grow with the file.

A row that is wrong is a value (`BadRow`) and the rest goes on; a file that is wrong as a whole raises InvalidInput
before its first row, as far as that can be known.
"""

import codecs
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec
import pyarrow
import pyarrow.csv

from producers.rows.parquet import read_parquet
from producers.rows.rows import BLOCK, BadRow, Row, Rows, check_columns, mappings
from seedcast.errors import InvalidInput, InvalidRow


def read(path: Path) -> Rows:
    """Opens a file by its suffix. Raises InvalidInput, here or while the rows are read."""
    opener = _FORMATS.get(path.suffix.lower())
    if opener is None:
        raise InvalidInput(
            f"{path}",
            expected=f"a file ending in {', '.join(_FORMATS)}",
            got=path.suffix or "no suffix",
        )
    if not path.is_file():
        raise InvalidInput(
            f"{path}", expected="a file", got="a folder" if path.is_dir() else "no such file"
        )
    try:
        if path.stat().st_size == 0:
            raise InvalidInput(f"{path} is empty", expected="at least one row", got="0 bytes")
        return opener(path)
    except OSError as error:  # pyarrow raises it, too
        raise InvalidInput(f"{path} cannot be read", got=str(error)) from error


def _csv(path: Path) -> Rows:
    quotes = _check_utf8(path)
    bad: deque[BadRow] = deque()

    def note(row: pyarrow.csv.InvalidRow) -> Literal["skip"]:
        bad.append(_wrong_width(row))
        return "skip"

    columns = _csv_columns(path)
    # Every column stays text ('007' is not 7), and an empty cell stays ''. A quoted value may hold line ends.
    conversion = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(columns, pyarrow.string()),
        null_values=[],
        strings_can_be_null=False,
        check_utf8=False,
    )
    parsing = pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note)
    if quotes % 2:
        _refuse_open_quote(path, _csv_rows(path, columns, parsing, conversion, bad))
        bad.clear()
    return Rows(columns, _csv_rows(path, columns, parsing, conversion, bad))


def _csv_columns(path: Path) -> tuple[str, ...]:
    parsing = pyarrow.csv.ParseOptions(
        newlines_in_values=True, invalid_row_handler=lambda _: "skip"
    )
    try:
        with pyarrow.csv.open_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(block_size=BLOCK, use_threads=False),
            parse_options=parsing,
        ) as reader:
            return check_columns(path, reader.schema.names)
    except pyarrow.ArrowInvalid as error:
        if "empty" in str(error).lower():
            raise InvalidInput(
                f"{path} has no rows", expected="a header and at least one row"
            ) from error
        raise _malformed(path, error) from error


def _csv_rows(
    path: Path,
    columns: tuple[str, ...],
    parsing: pyarrow.csv.ParseOptions,
    conversion: pyarrow.csv.ConvertOptions,
    bad: deque[BadRow],
) -> Iterator[Row | BadRow]:
    number = 0
    reading = pyarrow.csv.ReadOptions(
        block_size=BLOCK, use_threads=False
    )  # threads would cost the row numbers of wrong rows
    try:
        with pyarrow.csv.open_csv(
            path, read_options=reading, parse_options=parsing, convert_options=conversion
        ) as reader:
            for batch in reader:
                for values in mappings(columns, batch):
                    number += 1
                    while bad and bad[0].error.row == number:
                        yield bad.popleft()
                        number += 1
                    yield number, values
            yield from bad
    except pyarrow.ArrowInvalid as error:
        raise _malformed(path, error, number) from error


def _refuse_open_quote(path: Path, rows: Iterator[Row | BadRow]) -> None:
    """Arrow takes a quote that is never closed as one value to the end of the file: all those rows would be one text."""
    last = next(iter(deque(rows, maxlen=1)), None)
    if last is None:
        raise InvalidInput(
            f"{path} has no rows",
            expected="a header and at least one row",
            got="a quote in the header that is never closed",
        )
    if isinstance(last, tuple) and any("\n" in str(value) for value in last[1].values()):
        raise InvalidInput(
            f"{path}, row {last[0]}",
            expected="a quote that is closed",
            got="none to the end of the file",
            remedy="write '\"' inside a value as '\"\"'",
        )


def _wrong_width(row: pyarrow.csv.InvalidRow) -> BadRow:
    number = (row.number or 0) - 1  # Arrow counts the header; None only where it parses in threads
    error = InvalidRow(
        number, "", expected=f"{row.expected_columns} columns", got=str(row.actual_columns)
    )
    return BadRow(error, row.text)


def _malformed(path: Path, error: Exception, after: int = 0) -> InvalidInput:
    if "straddling" in str(error):
        return InvalidInput(
            f"{path}, after row {after}",
            expected=f"rows of at most {BLOCK:,} bytes",
            got="a longer one",
            remedy="is a quote never closed?",
        )
    return InvalidInput(f"{path}, after row {after}", expected="CSV with a header", got=str(error))


def _json_lines(path: Path) -> Rows:
    with path.open("rb") as file:
        _refuse_utf16(path, file.read(4096))
    return Rows(None, _json_rows(path))


def _json_rows(path: Path) -> Iterator[Row | BadRow]:
    decoder = msgspec.json.Decoder(dict[str, object])
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), start=1):
            if line.isspace():
                continue
            try:
                if len(line) > BLOCK:
                    raise InvalidRow(
                        number,
                        "",
                        expected=f"a line of at most {BLOCK:,} bytes",
                        got="a longer one",
                    )
                yield number, decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                # A validation error quotes no value here: the only type that can be wrong is the whole line's.
                wrong = InvalidRow(
                    number, "", expected="one JSON object a line, in UTF-8", got=str(error)
                )
                yield BadRow(wrong, line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
            except InvalidRow as wrong:
                yield BadRow(wrong, line[:1000].decode("utf-8", "backslashreplace"))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines, of which one that is too long comes cut to BLOCK + 1 bytes; the byte order mark is left out."""
    line = file.readline(BLOCK + 1).removeprefix(codecs.BOM_UTF8)
    while line:
        yield line
        while len(line) > BLOCK and not line.endswith(b"\n"):
            line = file.readline(BLOCK + 1)
        line = file.readline(BLOCK + 1)


def _check_utf8(path: Path) -> int:
    """Before the first row is submitted: a file that turns out to be in another encoding halfway would be half submitted. Returns the count of quotes."""
    quotes, decoder, offset, line = 0, codecs.getincrementaldecoder("utf-8")(), 0, 1
    with path.open("rb") as file:
        while chunk := file.read(BLOCK):
            if offset == 0:
                _refuse_utf16(path, chunk[:4096])
            kept = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                raise _not_utf8(
                    path,
                    offset - kept + error.start,
                    line + chunk.count(b"\n", 0, max(0, error.start - kept)),
                ) from None
            offset += len(chunk)
            line += chunk.count(b"\n")
            quotes += chunk.count(b'"')
    if tail := decoder.getstate()[0]:
        raise _not_utf8(path, offset - len(tail), line)
    return quotes


def _not_utf8(path: Path, offset: int, line: int) -> InvalidInput:
    return InvalidInput(
        f"{path} is not UTF-8",
        expected="UTF-8",
        got=f"other bytes at offset {offset:,}, in line {line:,}",
        remedy="save it as UTF-8, or convert it with iconv",
    )


def _refuse_utf16(path: Path, start: bytes) -> None:
    # Without a mark: half of the bytes of Latin text are zero, and no text in UTF-8 holds so many.
    if (
        start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        or start.count(0) > len(start) // 4
    ):
        raise InvalidInput(
            f"{path} is not UTF-8",
            expected="UTF-8",
            got="what looks like UTF-16",
            remedy="save it as UTF-8, or convert it with iconv -f UTF-16",
        )


_FORMATS: dict[str, Callable[[Path], Rows]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": read_parquet,
}
