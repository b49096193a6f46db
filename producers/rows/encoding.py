"""Text files must be UTF-8. The error for any other encoding says how to convert the file."""

import codecs
from pathlib import Path

from seedcast.errors import InvalidInput
from seedcast.producers.rows.rows import BLOCK


def count_quotes(path: Path) -> int:
    """Read the whole file and return its count of '"'. Raises InvalidInput if it is not UTF-8.

    This happens before the first row is submitted: a file with another encoding halfway would
    be half submitted.
    """
    quotes, decoder, offset, line = 0, codecs.getincrementaldecoder("utf-8")(), 0, 1
    with path.open("rb") as file:
        while chunk := file.read(BLOCK):
            if offset == 0:
                refuse_utf16(path, chunk[:4096])
            pending = len(decoder.getstate()[0])  # bytes of a character that began one chunk before
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                start = error.start - pending  # in this chunk
                lines_before = chunk.count(b"\n", 0, max(0, start))
                raise _not_utf8(path, offset + start, line + lines_before) from None
            offset += len(chunk)
            line += chunk.count(b"\n")
            quotes += chunk.count(b'"')
    if tail := decoder.getstate()[0]:
        raise _not_utf8(path, offset - len(tail), line)
    return quotes


def refuse_utf16(path: Path, start: bytes) -> None:
    """Raises InvalidInput if the first bytes of a file look like UTF-16."""
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    # Without a mark: half of the bytes of Latin text are zero, and text in UTF-8 has far fewer.
    if marked or start.count(0) > len(start) // 4:
        raise InvalidInput(
            f"{path} is not UTF-8",
            expected="UTF-8",
            got="what looks like UTF-16",
            remedy="save it as UTF-8, or convert it with iconv -f UTF-16",
        )


def _not_utf8(path: Path, offset: int, line: int) -> InvalidInput:
    return InvalidInput(
        f"{path} is not UTF-8",
        expected="UTF-8",
        got=f"other bytes at offset {offset:,}, in line {line:,}",
        remedy="save it as UTF-8, or convert it with iconv",
    )
