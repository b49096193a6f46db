"""The delimiter of a CSV file: said by an option or by the file, or seen in its first lines."""

import csv
import re
from dataclasses import dataclass
from itertools import islice

from seedcast.errors import InvalidInput
from seedcast.producers.rows.encoding import Text

SAMPLE = 64 * 1024  # bytes
ROWS = 50  # of the sample
NAMES = {",": "','", ";": "';'", "\t": "a tab"}
_SPELLED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}
_SAID = re.compile(rb'"?sep=([^"\r\n])"?(?:\r\n|\n|\r)', re.IGNORECASE)  # as Excel writes it


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    skipped: int  # bytes of UTF-8 before the header: a line `sep=;`


def detect_dialect(text: Text, wanted: str | None, usual: str) -> Dialect:
    """Return the dialect; `usual` is the delimiter of the file's suffix. Raises InvalidInput."""
    with text.open() as stream:
        sample = stream.read(SAMPLE)
    said = _SAID.match(sample)
    skipped = said.end() if said else 0
    if wanted is not None:
        return Dialect(_given(wanted), skipped)
    if said:
        return Dialect(_given(said[1].decode("latin-1")), skipped)
    if usual == "\t":
        return Dialect(usual, 0)
    return Dialect(_seen(text, sample, len(sample) == SAMPLE), 0)


def _given(wanted: str) -> str:
    delimiter = _SPELLED.get(wanted.strip().lower(), wanted)
    is_one = len(delimiter) == 1 and delimiter.isascii() and delimiter not in '"\r\n'
    if not is_one or delimiter.isalnum() or (delimiter < " " and delimiter != "\t"):
        expected = "one character that is no letter or digit, such as ';', or 'tab'"
        raise InvalidInput("option delimiter", expected=expected, got=repr(wanted)[:100])
    return delimiter


def _seen(text: Text, sample: bytes, is_cut: bool) -> str:
    lines = sample.decode("utf-8", "replace").splitlines(keepends=True)
    if is_cut and len(lines) > 1:
        lines.pop()
    header = lines[0] if lines else ""
    present = [delimiter for delimiter in NAMES if delimiter in header]
    if len(present) <= 1:
        return present[0] if present else ","
    fitting = [delimiter for delimiter in present if _fits(lines, delimiter)]
    if len(fitting) == 1:
        return fitting[0]
    raise InvalidInput(
        f"{text.path}, line 1: the delimiter is in doubt",
        expected="a header with one kind of delimiter",
        got=" and ".join(NAMES[delimiter] for delimiter in present),
        remedy="say which with --delimiter (SubmitOptions.delimiter)",
    )


def _fits(lines: list[str], delimiter: str) -> bool:
    """Return True if each row of the sample has as many columns as the header, and over one."""
    try:
        widths = [len(row) for row in islice(csv.reader(lines, delimiter=delimiter), ROWS) if row]
    except csv.Error:
        return False
    return widths[0] > 1 and len(set(widths)) == 1
