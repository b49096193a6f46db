"""The encoding of a text file: detected where there is no doubt, else asked for.

UTF-8 and UTF-16 can be told by their bytes. The same bytes are text in GB18030, in Big5 and in
Windows-1252, and only a person can say which is meant.
"""

import codecs
import io
from dataclasses import dataclass
from typing import Any, BinaryIO

from seedcast.errors import InvalidInput
from seedcast.producers.rows.readings import readings
from seedcast.producers.rows.rows import BLOCK
from seedcast.producers.rows.source import Source

ENCODINGS = {  # name: Python's codec
    "utf-8": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5": "cp950",
    "windows-1252": "cp1252",
}
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_NO_TEXT = {
    b"PK\x03\x04": "a workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old or protected workbook",
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
}


@dataclass(frozen=True)
class Text:
    """A file of text in an encoding that is known."""

    source: Source
    codec: str
    mark: int = 0  # bytes of UTF-8's byte order mark

    def open(self) -> BinaryIO:
        """Return the text in UTF-8, without its byte order mark."""
        stream = self.source.open()
        if self.codec != "utf-8":
            return io.BufferedReader(_Recoded(stream, self.codec), BLOCK)
        stream.read(self.mark)
        return stream


def detect(source: Source, wanted: str | None) -> Text:
    """Return the file with its encoding. Raises InvalidInput."""
    codec = _codec_of(wanted)
    with source.open() as stream:
        start = stream.read(4096)
    for mark, what in _NO_TEXT.items():
        if start.startswith(mark):
            raise InvalidInput(
                str(source.path),
                expected="a text file",
                got=what,
                remedy="give it the suffix of what it is, or name that with --format"
                " (SubmitOptions.format)",
            )
    found = _detected(start)
    if codec and found and not codec.startswith(found[:6]):
        raise InvalidInput(
            str(source.path),
            expected=f"text in {wanted}",
            got=f"what is surely {found}",
            remedy="leave out --encoding (SubmitOptions.encoding)",
        )
    skipped = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    return Text(source, found or codec or "utf-8", skipped)


def _codec_of(wanted: str | None) -> str:
    if wanted is None:
        return ""
    if codec := ENCODINGS.get(wanted.strip().lower().replace("_", "-")):
        return codec
    raise InvalidInput(
        "option encoding", expected=f"one of {', '.join(ENCODINGS)}", got=repr(wanted)[:100]
    )


def _detected(start: bytes) -> str:
    """Return the codec that the first bytes of a file leave no doubt of, or ''."""
    for mark, codec in _MARKS.items():
        if start.startswith(mark):
            return codec
    # Half of the bytes of Latin text in UTF-16 are zero; other text has next to none.
    if start.count(0) <= len(start) // 4:
        return ""
    return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"


def count_quotes(text: Text, named: bool) -> int:
    """Read the whole file and return its count of '"'.

    This happens before the first row is submitted: a file with another encoding halfway would be
    half submitted. `named`: a person said which encoding it is. Raises InvalidInput.
    """
    quotes, offset, line = 0, 0, 1
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
                at = offset - len(pending) + error.start
                raise _undecodable(text, named, line, at, data, error.start) from None
            if not chunk:
                return quotes
            offset += len(chunk)
            if text.codec == "utf-8":  # twice as fast
                line += chunk.count(b"\n")
                quotes += chunk.count(b'"')
            else:
                line += decoded.count("\n")
                quotes += decoded.count('"')


def _pending(decoder: codecs.IncrementalDecoder) -> bytes:
    """Return the bytes of a character that began one chunk before."""
    return decoder.getstate()[0]


def _line_ends(data: bytes, codec: str) -> int:
    return data.decode(codec, "ignore").count("\n")


def _undecodable(
    text: Text, named: bool, line: int, offset: int, data: bytes, start: int
) -> InvalidInput:
    name = text.codec.upper() if text.codec.startswith("utf") else text.codec
    where = f"{text.source.path}, line {line:,}: not {name}"
    got = f"other bytes at offset {offset:,}"
    if named or text.codec != "utf-8":
        remedy = "name another with --encoding (SubmitOptions.encoding), or save it as UTF-8"
        return InvalidInput(where, expected=f"text in {name}", got=got, remedy=remedy)
    candidates = readings(data, start)
    shown = " and ".join(f"{piece!r} in {candidate}" for candidate, piece in candidates)
    return InvalidInput(
        where,
        expected="UTF-8, or an encoding that is named",
        got=f"{got}, which are {shown}",
        remedy=f"choose the right one, such as --encoding {candidates[0][0]}"
        " (SubmitOptions.encoding), or convert the file with iconv",
    )


class _Recoded(io.RawIOBase):
    """A stream in any encoding, read as UTF-8. Its bytes were decoded once before."""

    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._stream, self._decoder = stream, codecs.getincrementaldecoder(codec)()
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            chunk = self._stream.read(BLOCK)
            text = self._decoder.decode(chunk, final=not chunk)
            self._left = text.encode()
            if not chunk:
                break
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        self._stream.close()
        super().close()
