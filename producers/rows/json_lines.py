"""JSON Lines: one object per line, each with columns of its own."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any, BinaryIO

import msgspec

from seedcast.errors import InvalidRow
from seedcast.producers.rows.encoding import Text, detect
from seedcast.producers.rows.file_options import FileOptions
from seedcast.producers.rows.readings import in_words, readings
from seedcast.producers.rows.rows import BLOCK, BadRow, Row, Rows
from seedcast.producers.rows.source import Source
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.rows.whole_text import read_whole

_Decoder = msgspec.json.Decoder[dict[str, object]]


def read_json_lines(source: Source, options: FileOptions) -> Rows:
    """Open a file of JSON Lines. Raises InvalidInput, here or while the rows are read.

    In UTF-8, a line that is not valid is an error of its row; in any other encoding all that
    follows may be wrong. Where all before that line is ASCII, the encoding is in doubt.
    """
    text, is_named = detect(source, options.encoding), options.encoding is not None
    if text.codec == "utf-8":
        return Rows(None, _rows(text.open(), None if is_named else text))
    whole = read_whole(text, is_named)
    with closing(whole):  # what is open stays
        return Rows(None, _rows(whole.text.open(), None))


def _rows(stream: BinaryIO, in_doubt: Text | None) -> Iterator[Row | BadRow]:
    """Yield the rows. `in_doubt`: the same text, if nobody said that it is UTF-8."""
    decoder = msgspec.json.Decoder(dict[str, object])
    with stream as file:
        for number, line in enumerate(lines(file), start=1):
            if in_doubt and not line.isascii():
                if not _is_utf8(line):
                    read_whole(in_doubt, named=False)  # raises the error that asks for the encoding
                in_doubt = None
            if not line.isspace():
                yield _row(decoder, number, line)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return len(line) > BLOCK  # it is cut, and an error of its row
    return True


def _row(decoder: _Decoder, number: int, line: bytes) -> Row | BadRow:
    if len(line) > BLOCK:
        expected = f"a line of at most {BLOCK:,} bytes"
        error = InvalidRow(number, "", expected=expected, got="a longer one")
        return BadRow(error, line[:1000].decode("utf-8", "backslashreplace"))
    try:
        values = decoder.decode(line)
        if line.count(b":") > len(values):  # as many as keys, where no value has one
            json.loads(line, object_pairs_hook=_refuse_repeated, parse_int=str, parse_float=str)
        return number, values
    except InvalidValue as wrong:
        error = wrong.of_row(number, "")
    except UnicodeDecodeError:
        error = InvalidRow(number, "", expected=_EXPECTED, got=_other_bytes(line))
    except (msgspec.DecodeError, RecursionError) as problem:
        # A validation error quotes no value here: only the type of the whole line can be wrong.
        got = str(problem).removeprefix("Expected `object`, got ").strip("`")
        expected = _EXPECTED + (_SPREAD if line.strip() == b"{" or line[:1] == b"[" else "")
        error = InvalidRow(number, "", expected=expected, got=got)
    return BadRow(error, line.decode("utf-8", "backslashreplace").rstrip("\r\n"))


_EXPECTED = "one JSON object per line, in UTF-8"
_SPREAD = " (jq -c '.[]' writes those of an array so, and jq -c . those of several lines)"


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    """Raises InvalidValue if a key appears twice, of which a decoder would take the last."""
    seen = set[str]()
    for key, _ in pairs:
        if key in seen:
            raise InvalidValue("every key once in an object", got=f"{key[:100]!r} twice")
        seen.add(key)


def _other_bytes(line: bytes) -> str:
    """Return what the bytes of a line that are no UTF-8 might say."""
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"bytes that are {in_words(readings(line, error.start))}"
    return "bytes that are no text"


def lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines, each cut to at most BLOCK + 1 bytes."""
    line = file.readline(BLOCK + 1)
    while line:
        yield line
        while len(line) > BLOCK and not line.endswith(b"\n"):
            line = file.readline(BLOCK + 1)
        line = file.readline(BLOCK + 1)
