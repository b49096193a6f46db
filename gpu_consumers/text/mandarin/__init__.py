"""Mandarin: its classes, and how their values are said."""

import re
from importlib.metadata import version

from seedcast.gpu_consumers.text.alphabet import HAN
from seedcast.gpu_consumers.text.mandarin.classes import ROWS
from seedcast.gpu_consumers.text.mandarin.speech import say

# What its readings depend on beside our own tables.
VERSIONS = (f"opencc-{version('opencc')}",)


_SILENT = str.maketrans(dict.fromkeys('"*_|\\^<>·{}[]`#-', " ") | dict.fromkeys("~–—", "，"))
_HYPHEN = re.compile(rf"(?<=[{HAN}])-+(?=[{HAN}])")


def plain(text: str) -> str:
    """Return what is said for a stretch that has no class: words and marks."""
    return _HYPHEN.sub("，", text).translate(_SILENT)


__all__ = ["ROWS", "VERSIONS", "plain", "say"]
