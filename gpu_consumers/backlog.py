"""How much audio the post-process group has not taken yet, and when that is too much: the audio topic must not outgrow its retention."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from schemas.topics import AUDIO, MIB
from seedcast import metrics
from seedcast.errors import SeedcastError
from seedcast.kafka import Admin
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

POSTPROCESS = "postprocess"  # the consumer group; this room may not import that one
INTERVAL = 2.0  # seconds between two questions; a GPU makes well under a GiB meanwhile
RELIEF = 0.75  # of the limit: below it bulk requests are admitted again, so that it does not flicker


@dataclass
class Mean:
    """The plain mean of everything added; 0 before the first."""

    count: int = 0
    total: int = 0

    def add(self, size: int) -> None:
        self.count, self.total = self.count + 1, self.total + size

    @property
    def value(self) -> float:
        return self.total / self.count if self.count else 0.0


class Backlog:
    """`over` is the last answer to have come; a broker that is slow or away delays the next one, and nobody else."""

    def __init__(self, settings: Settings, record_bytes: Mean) -> None:
        self._limit, self._record_bytes = settings.gpu.backlog * MIB, record_bytes
        self._stop = threading.Event()
        self.over = False
        if self._limit:
            ask = partial(behind, Admin(settings), settings.group(POSTPROCESS), settings.topic(AUDIO))
            threading.Thread(target=self._watch, args=(ask,), name="backlog", daemon=True).start()

    def close(self) -> None:
        self._stop.set()

    def judge(self, records: int) -> None:
        """`records`: how many the group has not taken."""
        backlog = records * self._record_bytes.value
        metrics.AUDIO_BACKLOG.set(backlog)
        if self.over is (over := backlog > self._limit * (RELIEF if self.over else 1.0)):
            return
        self.over = over
        metrics.BULK_HELD_BACK.set(over)
        expected, got = f"at most {_mib(self._limit)} that the post-process workers have not taken", f"{records:,} records, about {_mib(backlog)}"
        if over:
            log.warning("audio_backlog_over", expected=expected, got=got, next=f"bulk requests wait until it is below {_mib(RELIEF * self._limit)}")
        else:
            log.info("audio_backlog_under", got=got, next="bulk requests get slots again")

    def _watch(self, ask: Callable[[], int]) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                self.judge(ask())
            except (SeedcastError, TimeoutError) as error:
                log.warning("audio_backlog_unknown", problem=str(error), next="the last answer counts")


def behind(admin: Admin, group: str, topic: str) -> int:
    """How many records of a topic a group has not taken; where it has committed nothing, all that are there. Raises SeedcastError and TimeoutError."""
    committed = admin.committed(group)
    taken = {place: left.offset for place, left in committed.items() if left.offset is not None}
    return sum(end - taken.get(place, begin) for place, (begin, end) in admin.bounds([topic]).items())


def _mib(size: float) -> str:
    return f"{size / MIB:,.1f} MiB"
