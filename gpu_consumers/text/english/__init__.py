"""English: its classes, and how their values are said."""

from seedcast.gpu_consumers.text.english.classes import LATIN, ROWS
from seedcast.gpu_consumers.text.english.speech import say

__all__ = ["LATIN", "ROWS", "say"]
