"""How far a worker is, once a minute in its log: a log may be all that an operator has of a night.

In a thread of its own, so that a worker that hangs says so by a rate of 0.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from seedcast.errors import SeedcastError
from seedcast.kafka import GroupOffsets
from seedcast.settings import Settings

log = structlog.get_logger(__name__)


@dataclass
class Progress:
    """Counts since the start, and the rate since the last look."""

    taken: Callable[[], int]
    finished: Callable[[], int]
    clock: Callable[[], float] = time.monotonic
    _before: tuple[float, int] = field(init=False)  # time, finished

    def __post_init__(self) -> None:
        self._before = self.clock(), self.finished()

    def look(self) -> dict[str, float]:
        """Return what was taken and finished, and how much was finished a second."""
        now, finished = self.clock(), self.finished()
        since, before = self._before
        self._before = now, finished
        rate = (finished - before) / (now - since) if now > since else 0.0
        return {"taken": self.taken(), "finished": finished, "rate": round(rate, 2)}


@contextmanager
def logged_progress(
    settings: Settings, group: str, topics: Sequence[str], progress: Progress
) -> Iterator[None]:
    """Log the progress, and what the group has still to read of its topics, while the block runs.

    The lag is that of the whole group; it is null while the brokers do not tell.
    """
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(settings.log.progress):
            log.info("progress", **progress.look(), lag=_lag(settings, group, topics))

    threading.Thread(target=watch, name="progress", daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _lag(settings: Settings, group: str, topics: Sequence[str]) -> int | None:
    """Ask with a client of its own: after an outage, one may never get an answer again."""
    try:
        return GroupOffsets(settings).unread(settings.group(group), topics)
    except (SeedcastError, TimeoutError) as error:
        log.warning("lag_unknown", problem=str(error))
        return None
