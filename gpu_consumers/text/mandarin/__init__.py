"""Mandarin: its classes, and how their values are said."""

from importlib.metadata import version

from seedcast.gpu_consumers.text.classify import Row
from seedcast.gpu_consumers.text.english import legacy_abbreviations
from seedcast.gpu_consumers.text.mandarin import legacy
from seedcast.gpu_consumers.text.mandarin.speech import say

ROWS: tuple[Row, ...] = ()
# What its readings depend on beside our own tables.
VERSIONS = (f"wetext-{version('wetext')}", f"kaldifst-{version('kaldifst')}")

_FOLDED_BEFORE = str.maketrans({"–": "~", "—": "~", "·": " ", '"': " "})


def plain(text: str) -> str:
    """Return what is said for a stretch that has no class."""
    return legacy.verbalise(legacy_abbreviations.expand(text.translate(_FOLDED_BEFORE)))


__all__ = ["ROWS", "VERSIONS", "plain", "say"]
