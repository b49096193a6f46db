"""What was found lately, so that no database is asked for it with each request."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

BELIEVED = 60.0  # seconds; a revoked key may work for as long
REMEMBERED = 10_000  # keys, and as many that are none

T = TypeVar("T")


class Believed(Generic[T]):
    """By digest."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._found: OrderedDict[bytes, tuple[float, T]] = OrderedDict()

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._found and self._clock() < self._found[digest][0]

    def __getitem__(self, digest: bytes) -> T:
        return self._found[digest][1]

    def forget(self, digest: bytes) -> None:
        self._found.pop(digest, None)

    def put(self, digest: bytes, found: T) -> None:
        self._found[digest] = self._clock() + BELIEVED, found
        self._found.move_to_end(digest)
        if len(self._found) > REMEMBERED:
            self._found.popitem(last=False)
