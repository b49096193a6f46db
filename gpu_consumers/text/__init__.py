"""The text front end: what will be said for a text, and ChatTTS's segments of it."""

from seedcast.gpu_consumers.text.front_end import FrontEnd, Prepared
from seedcast.gpu_consumers.text.reader import Reader
from seedcast.gpu_consumers.text.split import Segment
from seedcast.gpu_consumers.text.tokens import Reading, Token

__all__ = ["FrontEnd", "Prepared", "Reader", "Reading", "Segment", "Token"]
