"""What is said for a stretch that has no class: its words and marks, without its silent signs."""

import re

from seedcast.gpu_consumers.text.alphabet import HAN

_SILENT = str.maketrans(dict.fromkeys('"*_^·`#{}[]', " ") | dict.fromkeys("/–—~|\\<>", ", "))
_DASH = re.compile(r"(?<=\s)-+(?=\s)|--+")
_BETWEEN_IDEOGRAPHS = re.compile(rf"(?<=[{HAN}])-+(?=[{HAN}])")
_BESIDE_A_WORD = re.compile(r"(?<![^\W\d_])-|-(?![^\W\d_])")


def plain(text: str) -> str:
    """Return the words and marks; a dash is a pause, and a hyphen is silent."""
    if "-" in text:
        text = _BESIDE_A_WORD.sub(" ", _DASH.sub(",", _BETWEEN_IDEOGRAPHS.sub("，", text)))
    return text.translate(_SILENT)
