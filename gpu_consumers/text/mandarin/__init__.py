"""Mandarin: its classes, and how their values are said."""

from importlib.metadata import version

from seedcast.gpu_consumers.text.mandarin.classes import ROWS
from seedcast.gpu_consumers.text.mandarin.speech import say

# What its readings depend on beside our own tables.
VERSIONS = (f"opencc-{version('opencc')}",)

__all__ = ["ROWS", "VERSIONS", "say"]
