"""The text front end: turns the text of a request into the segments that an engine speaks."""

from seedcast.gpu_consumers.text.front_end import FrontEnd, Prepared
from seedcast.gpu_consumers.text.split import Segment

__all__ = ["FrontEnd", "Prepared", "Segment"]
