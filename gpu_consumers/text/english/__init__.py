"""English: its classes, and how their values are said."""

from seedcast.gpu_consumers.text.classify import Row
from seedcast.gpu_consumers.text.english import legacy, legacy_abbreviations
from seedcast.gpu_consumers.text.english.speech import say

ROWS: tuple[Row, ...] = ()


def plain(text: str) -> str:
    """Return what is said for a stretch that has no class."""
    return legacy.verbalise(legacy_abbreviations.expand(text))


__all__ = ["ROWS", "plain", "say"]
