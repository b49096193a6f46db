"""How much audio waits to be post-processed, and when that is too much.

Bulk requests then get no slot, so that the audio topic does not outgrow its retention.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from seedcast import metrics
from seedcast.errors import SeedcastError
from seedcast.kafka import Committed, GroupOffsets
from seedcast.schemas.topics import AUDIO, MIB, POSTPROCESS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

INTERVAL = 2.0  # seconds between two looks; a GPU makes well under a GiB meanwhile
IDLE_INTERVAL = 10.0  # the same without work, for the metrics: a look is six requests to the broker
RESUME_SHARE = 0.75  # of a limit: hysteresis; bulk requests are admitted again below it


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
class Uncommitted:
    """Records that a group has not committed."""

    records: int
    old: int = 0  # how many of them have waited too long


@dataclass
class Looks:
    """Often while this worker has work, seldom while it has none."""

    has_work: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    _last: float = -math.inf

    def due(self) -> bool:
        """Ask every INTERVAL. After it has returned True, look."""
        now = self.clock()
        if not self.has_work() and now - self._last < IDLE_INTERVAL:
            return False
        self._last = now
        return True


class AudioBacklog:
    """Checks the audio backlog in a thread; `over` holds the latest result."""

    def __init__(
        self, settings: Settings, record_bytes: Mean, has_work: Callable[[], bool]
    ) -> None:
        """`has_work`, called in that thread, is True while requests wait or are spoken."""
        self._settings, self._record_bytes = settings, record_bytes
        self._looks = Looks(has_work)
        self._max_bytes, self._max_age = settings.gpu.backlog * MIB, settings.gpu.backlog_age
        self._stop = threading.Event()
        self.over = False
        if self._max_bytes or self._max_age:
            threading.Thread(target=self._watch, name="backlog", daemon=True).start()

    def close(self) -> None:
        self._stop.set()

    def update(self, uncommitted: Uncommitted) -> None:
        """Set `over` from what waits now; log each change once."""
        backlog = uncommitted.records * self._record_bytes.value
        metrics.AUDIO_BACKLOG.set(backlog)
        too_large = bool(self._max_bytes) and backlog > self._max_bytes * self._share
        over = too_large or uncommitted.old > 0
        if over is self.over:
            return
        self.over = over
        metrics.BULK_HELD_BACK.set(over)
        got = f"{uncommitted.records:,} records, about {_mib(backlog)}"
        got += f", {uncommitted.old:,} of them too old"
        if over:
            log.warning(
                "audio_backlog_over",
                expected=self._limits(1.0),
                got=got,
                next=f"bulk requests wait until it is {self._limits(RESUME_SHARE)}",
            )
        else:
            log.info("audio_backlog_under", got=got, next="bulk requests get slots again")

    @property
    def _share(self) -> float:
        return RESUME_SHARE if self.over else 1.0

    def _limits(self, share: float) -> str:
        size = f"at most {_mib(self._max_bytes * share)}" if self._max_bytes else ""
        age = f"at most {self._max_age * share:,.0f} s old" if self._max_age else ""
        limits = " and ".join(filter(None, (size, age)))
        return f"{limits}, not yet taken by the post-process workers"

    def _watch(self) -> None:
        offsets: GroupOffsets | None = None
        while not self._stop.wait(INTERVAL):
            if not self._looks.due():
                continue
            try:
                offsets = offsets or GroupOffsets(self._settings)
                self._look(offsets)
            except (SeedcastError, TimeoutError) as error:
                offsets = None  # after an outage a client may never get an answer again (measured)
                log.warning(
                    "audio_backlog_unknown", problem=str(error), next="the last answer counts"
                )

    def _look(self, offsets: GroupOffsets) -> None:
        group, topic = self._settings.group(POSTPROCESS.name), self._settings.topic(AUDIO)
        self.update(count_uncommitted(offsets, group, topic, self._max_age * self._share))


def count_uncommitted(offsets: GroupOffsets, group: str, topic: str, age: float) -> Uncommitted:
    """Count the records of `topic` that `group` has not committed.

    A partition without a commit counts whole. Records older than `age` seconds are old; with 0,
    none is. Raises SeedcastError and TimeoutError.
    """
    committed = offsets.committed(group, [topic])
    bounds = offsets.bounds([topic])
    waiting = {  # from which offset up to which
        partition: (_position(committed.get(partition), start), end)
        for partition, (start, end) in bounds.items()
    }
    records = sum(end - position for position, end in waiting.values())
    if not age or not records:
        return Uncommitted(records)
    recent = offsets.first_since([topic], time.time() - age)
    old = (min(recent.get(p, position), end) - position for p, (position, end) in waiting.items())
    return Uncommitted(records, sum(max(0, each) for each in old))


def _position(committed: Committed | None, start: int) -> int:
    return start if committed is None or committed.offset is None else committed.offset


def _mib(size: float) -> str:
    return f"{size / MIB:,.1f} MiB"
