"""How much audio the post-process group has not taken yet, and when that is too much: the audio topic must not outgrow its retention."""

import threading
import time
from dataclasses import dataclass

import structlog

from schemas.topics import AUDIO, MIB
from seedcast import metrics
from seedcast.errors import SeedcastError
from seedcast.kafka import Admin
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

POSTPROCESS = "postprocess"  # the consumer group; this room may not import that one
INTERVAL = 2.0  # seconds between two questions; a GPU makes well under a GiB meanwhile
RELIEF = 0.75  # of a limit: below it bulk requests are admitted again, so that it does not flicker


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


@dataclass(frozen=True)
class Untaken:
    """Records that a group has not taken."""

    records: int
    old: int = 0  # how many of them have waited too long


class AudioBacklog:
    """`over` is the last answer to have come; a broker that is slow or away delays the next one, and nobody else."""

    def __init__(self, settings: Settings, record_bytes: Mean) -> None:
        self._settings, self._record_bytes = settings, record_bytes
        self._size, self._age = settings.gpu.backlog * MIB, settings.gpu.backlog_age
        self._stop = threading.Event()
        self.over = False
        if self._size or self._age:
            threading.Thread(target=self._watch, name="backlog", daemon=True).start()

    def close(self) -> None:
        self._stop.set()

    def judge(self, untaken: Untaken) -> None:
        backlog = untaken.records * self._record_bytes.value
        metrics.AUDIO_BACKLOG.set(backlog)
        too_large = bool(self._size) and backlog > self._size * self._part
        if self.over is (over := too_large or untaken.old > 0):
            return
        self.over = over
        metrics.BULK_HELD_BACK.set(over)
        got = f"{untaken.records:,} records, about {_mib(backlog)}, {untaken.old:,} of them too old"
        if over:
            log.warning(
                "audio_backlog_over",
                expected=self._limits(1.0),
                got=got,
                next=f"bulk requests wait until it is {self._limits(RELIEF)}",
            )
        else:
            log.info("audio_backlog_under", got=got, next="bulk requests get slots again")

    @property
    def _part(self) -> float:
        return RELIEF if self.over else 1.0

    def _limits(self, part: float) -> str:
        size = f"at most {_mib(self._size * part)}" if self._size else ""
        age = f"at most {self._age * part:,.0f} s old" if self._age else ""
        return (
            " and ".join(filter(None, (size, age))) + ", not yet taken by the post-process workers"
        )

    def _watch(self) -> None:
        admin: Admin | None = None
        while not self._stop.wait(INTERVAL):
            try:
                admin = admin or Admin(self._settings)
                self.judge(
                    untaken(
                        admin,
                        self._settings.group(POSTPROCESS),
                        self._settings.topic(AUDIO),
                        self._age * self._part,
                    )
                )
            except (SeedcastError, TimeoutError) as error:
                admin = None  # one that has seen an outage may get no answer any more (measured)
                log.warning(
                    "audio_backlog_unknown", problem=str(error), next="the last answer counts"
                )


def untaken(admin: Admin, group: str, topic: str, age: float) -> Untaken:
    """Of a topic, by a group; where it has committed nothing, all that is there. Older than `age` seconds is old; 0: nothing is.

    Raises SeedcastError and TimeoutError.
    """
    taken = {
        place: left.offset
        for place, left in admin.committed(group).items()
        if left.offset is not None
    }
    bounds = admin.bounds([topic])
    left = {place: (taken.get(place, begin), end) for place, (begin, end) in bounds.items()}
    aged = admin.first_since([topic], time.time() - age) if age else {}
    old = sum(
        max(0, min(aged.get(place, begin), end) - begin) for place, (begin, end) in left.items()
    )
    return Untaken(sum(end - begin for begin, end in left.values()), old)


def _mib(size: float) -> str:
    return f"{size / MIB:,.1f} MiB"
