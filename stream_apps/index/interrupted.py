"""How a long step ends early: the process stops, or is the active one no more."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

STEP = 500  # items between two looks


class Interrupted(Exception):
    pass


def interruptible(items: Iterable[T], goes_on: Callable[[], bool]) -> Iterator[T]:
    """Yield the items. Raises Interrupted where `goes_on` says so."""
    for number, item in enumerate(items):
        if number % STEP == 0 and not goes_on():
            raise Interrupted
        yield item
