"""English: its classes, and how their values are said."""

from seedcast.gpu_consumers.text.english.classes import LATIN, ROWS
from seedcast.gpu_consumers.text.english.speech import say

_SILENT = str.maketrans(dict.fromkeys('"*_^·~', " ") | dict.fromkeys("/–—|\\<>", ", "))


def plain(text: str) -> str:
    """Return what is said for a stretch that has no class: words and marks."""
    return text.translate(_SILENT)


__all__ = ["LATIN", "ROWS", "plain", "say"]
