"""A text file, read whole before its first row: all of it is in its encoding, and then UTF-8.

A file with another encoding halfway would otherwise be half read.
"""

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from seedcast.errors import InvalidInput, LocalResource
from seedcast.private_files import temporary, write_all
from seedcast.producers.rows.encoding import NAMES, Text
from seedcast.producers.rows.readings import in_words, readings
from seedcast.producers.rows.rows import BLOCK
from seedcast.producers.rows.source import Source


@dataclass(frozen=True)
class WholeText:
    """A list's text in UTF-8."""

    text: Text
    quotes: int  # how often it has '"'
    copy: IO[bytes] | None = None  # in which it is, if the list is in another encoding

    def close(self) -> None:
        if self.copy:
            self.copy.close()


def read_whole(text: Text, named: bool) -> WholeText:
    """Read the whole file; what is not UTF-8 is recoded into a temporary file.

    `named`: a person said which encoding it is. Raises InvalidInput and LocalResource.
    """
    if text.codec == "utf-8":
        return WholeText(text, sum(chunk.count(b'"') for chunk in _recoded(text, named)))
    with _room_needed():
        copy, path = temporary()
    quotes = 0
    for chunk in _recoded(text, named):
        quotes += chunk.count(b'"')
        with _room_needed():
            write_all(copy, chunk)
    return WholeText(Text(text.path, Source(path), "utf-8"), quotes, copy)


@contextmanager
def _room_needed() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalResource(
            f"the list in UTF-8, a copy in {tempfile.gettempdir()}",
            expected="room for the whole list",
            got=str(error),
            remedy="set TMPDIR to a folder with more room, or save the list as UTF-8",
        ) from error


def _recoded(text: Text, named: bool) -> Iterator[bytes]:
    """Yield the text in UTF-8, without a byte order mark if it was recoded."""
    offset, line, is_ascii = 0, 1, True
    decoder = codecs.getincrementaldecoder(text.codec)()
    with text.source.open() as stream:
        while True:
            chunk = stream.read(BLOCK)
            pending = _pending(decoder)
            try:
                decoded = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                data = pending + chunk
                line += _line_ends(data[: error.start], text.codec)
                is_ascii = is_ascii and data[: error.start].isascii()
                at = offset - len(pending) + error.start
                is_cut = not chunk and error.end == len(data)
                place = _Place(line, at, is_cut, is_ascii)
                raise _undecodable(text, named, place, data, error.start) from None
            if not chunk:
                return
            is_ascii = is_ascii and decoded.isascii()
            if text.codec == "utf-8":
                recoded = chunk
            else:
                recoded = (decoded if offset else decoded.removeprefix("\ufeff")).encode()
            offset += len(chunk)
            line += recoded.count(b"\n")
            yield recoded


def _pending(decoder: codecs.IncrementalDecoder) -> bytes:
    """Return the bytes of a character that began one chunk before."""
    return decoder.getstate()[0]


def _line_ends(data: bytes, codec: str) -> int:
    return data.decode(codec, "ignore").count("\n")


@dataclass(frozen=True)
class _Place:
    """Where a file is in no longer its encoding."""

    line: int
    offset: int  # bytes
    is_cut: bool  # it is the end of the file, within a character
    is_first: bool  # all before is ASCII


def _undecodable(text: Text, named: bool, at: _Place, data: bytes, start: int) -> InvalidInput:
    is_utf = text.codec.startswith("utf")
    name = text.codec.upper() if is_utf else NAMES.get(text.codec, text.codec)
    where = f"{text.path}, line {at.line:,}: not {name}"
    got = f"other bytes at offset {at.offset:,}"
    if at.is_cut and not (at.is_first and text.codec == "utf-8"):
        return InvalidInput(
            where,
            expected=f"text in {name}",
            got="its end within a character",
            remedy="copy or write the file again, whole",
        )
    if named or text.codec != "utf-8":
        remedy = "name another with --encoding (SubmitOptions.encoding), or save it as UTF-8"
        return InvalidInput(where, expected=f"text in {name}", got=got, remedy=remedy)
    candidates = readings(data, start)
    shown = in_words(candidates)
    if not at.is_first:
        return InvalidInput(
            where,
            expected="UTF-8, as the text before",
            got=f"{got}, which are {shown}",
            remedy="save the whole list in one encoding; if it is in one, name it, such as"
            f" --encoding {candidates[0][0]} (SubmitOptions.encoding)",
        )
    return InvalidInput(
        where,
        expected="UTF-8, or an encoding that is named",
        got=f"{got}, which are {shown}",
        remedy=f"choose the right one, such as --encoding {candidates[0][0]}"
        " (SubmitOptions.encoding), or convert the file with iconv",
    )
