"""The encoding of a text file: detected where there is no doubt, else asked for.

UTF-8 and UTF-16 can be told by their bytes. The same bytes are text in GB18030, in Big5 and in
Windows-1252, and only a person can say which is meant.
"""

import codecs
import re
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from seedcast.errors import InvalidInput
from seedcast.producers.rows.source import Source

if TYPE_CHECKING:
    import pyarrow

ENCODINGS = {  # name: Python's codec
    "utf-8": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-32": "utf-32",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5": "cp950",
    "windows-1252": "cp1252",
}
NAMES = {"cp950": "big5", "cp1252": "windows-1252"}  # of codecs, for people
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as that of UTF-16 does
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    "\ufeff".encode("gb18030"): "gb18030",
}
# Of text in UTF-16 nearly all is of these; of the same bytes in the other order, a third by chance
# and the Latin letters are.
_FREQUENT = re.compile("[\t\n\r -~\xa0-\u017f\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]")
SURE, DOUBTFUL = 0.95, 0.8
_NO_TEXT = {
    b"PK\x03\x04": "a workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old or protected workbook",
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
}


@dataclass(frozen=True)
class Text:
    """The text of a list in an encoding that is known."""

    path: Path  # of the list, for people
    source: Source  # its bytes
    codec: str
    mark: int = 0  # bytes of UTF-8's byte order mark

    def open(self) -> BinaryIO:
        """Return the bytes without their byte order mark."""
        stream = self.source.open()
        stream.read(self.mark)
        return stream

    def open_natively(self) -> "pyarrow.NativeFile":
        """Return the same as a file that Arrow reads without Python."""
        stream = self.source.open_natively()
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
    if codec in ("utf-16", "utf-32") and not found:
        raise InvalidInput(
            str(source.path),
            expected=f"a byte order mark, or text that is surely {codec}",
            got="neither",
            remedy="name another with --encoding (SubmitOptions.encoding), or save it as UTF-8",
        )
    if not (codec or found) and 0 in start and not _is_utf8(start):
        raise InvalidInput(str(source.path), expected="a text file", got="bytes that are no text")
    skipped = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    return Text(source.path, source, found or codec or "utf-8", skipped)


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
    if start.count(0) > len(start) // 4:
        return "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
    if 0 not in start or _is_utf8(start):
        return ""
    shares = {codec: _share_of_text(start, codec) for codec in ("utf-16-le", "utf-16-be")}
    (_, less), (likelier, more) = sorted(shares.items(), key=itemgetter(1))
    return likelier if more > SURE and less < DOUBTFUL else ""


def _is_utf8(start: bytes) -> bool:
    """Return True for UTF-8, perhaps cut within its last character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _share_of_text(start: bytes, codec: str) -> float:
    """Return how many of the characters are those of frequent scripts; 0 if some are none."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(start)
    except UnicodeDecodeError:
        return 0
    return len(_FREQUENT.findall(text)) / max(1, len(text))
