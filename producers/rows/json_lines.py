"""JSON Lines: one object per line, each with columns of its own."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from seedcast.errors import InvalidRow
from seedcast.producers.rows.encoding import refuse_utf16
from seedcast.producers.rows.rows import BLOCK, BadRow, Row, Rows

_Decoder = msgspec.json.Decoder[dict[str, object]]


def read_json_lines(path: Path) -> Rows:
    """Open a file of JSON Lines. Raises InvalidInput if it looks like UTF-16."""
    with path.open("rb") as file:
        refuse_utf16(path, file.read(4096))
    return Rows(None, _rows(path))


def _rows(path: Path) -> Iterator[Row | BadRow]:
    decoder = msgspec.json.Decoder(dict[str, object])
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), start=1):
            if not line.isspace():
                yield _row(decoder, number, line)


def _row(decoder: _Decoder, number: int, line: bytes) -> Row | BadRow:
    if len(line) > BLOCK:
        expected = f"a line of at most {BLOCK:,} bytes"
        error = InvalidRow(number, "", expected=expected, got="a longer one")
        return BadRow(error, line[:1000].decode("utf-8", "backslashreplace"))
    try:
        return number, decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        # A validation error quotes no value here: only the type of the whole line can be wrong.
        expected = "one JSON object per line, in UTF-8"
        error = InvalidRow(number, "", expected=expected, got=str(problem))
        return BadRow(error, line.decode("utf-8", "backslashreplace").rstrip("\r\n"))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines without the byte order mark, each cut to at most BLOCK + 1 bytes."""
    line = file.readline(BLOCK + 1).removeprefix(codecs.BOM_UTF8)
    while line:
        yield line
        while len(line) > BLOCK and not line.endswith(b"\n"):
            line = file.readline(BLOCK + 1)
        line = file.readline(BLOCK + 1)
