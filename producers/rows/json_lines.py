"""JSON Lines: one object per line, each with columns of its own."""

from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

import msgspec

from seedcast.errors import InvalidRow
from seedcast.producers.rows.encoding import detect
from seedcast.producers.rows.file_options import FileOptions
from seedcast.producers.rows.rows import BLOCK, BadRow, Row, Rows
from seedcast.producers.rows.source import Source
from seedcast.producers.rows.whole_text import read_whole

_Decoder = msgspec.json.Decoder[dict[str, object]]


def read_json_lines(source: Source, options: FileOptions) -> Rows:
    """Open a file of JSON Lines. Raises InvalidInput, here or while the rows are read.

    In UTF-8, a line that is not valid is an error of its row; in any other encoding all that
    follows may be wrong.
    """
    text = detect(source, options.encoding)
    if text.codec == "utf-8":
        return Rows(None, _rows(text.open()))
    whole = read_whole(text, options.encoding is not None)
    with closing(whole):  # what is open stays
        return Rows(None, _rows(whole.text.open()))


def _rows(stream: BinaryIO) -> Iterator[Row | BadRow]:
    decoder = msgspec.json.Decoder(dict[str, object])
    with stream as file:
        for number, line in enumerate(lines(file), start=1):
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
        got = str(problem).removeprefix("Expected `object`, got ").strip("`")
        error = InvalidRow(number, "", expected=expected, got=got)
        return BadRow(error, line.decode("utf-8", "backslashreplace").rstrip("\r\n"))


def lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines, each cut to at most BLOCK + 1 bytes."""
    line = file.readline(BLOCK + 1)
    while line:
        yield line
        while len(line) > BLOCK and not line.endswith(b"\n"):
            line = file.readline(BLOCK + 1)
        line = file.readline(BLOCK + 1)
