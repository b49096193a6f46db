"""Which workers are alive, told from their records. Pure but for two clocks, which are given."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from seedcast.codec import decode_worker
from seedcast.errors import Undecodable
from seedcast.fleet.announcer import HEARTBEAT
from seedcast.kafka import Record
from seedcast.schemas.messages import Worker

log = structlog.get_logger(__name__)

SILENCE = 3 * HEARTBEAT  # seconds; a worker that says nothing for longer is gone


@dataclass(frozen=True)
class Seen:
    """A worker that is alive."""

    worker: Worker
    seconds: float  # since its last record


class Fleet:
    """The workers by their latest records.

    When a worker wrote its record is never asked of its own clock. A record that was there before
    is as old as the broker's timestamp says, by our clock: if that is wrong by more than SILENCE,
    the fleet is wrong until each worker's next heartbeat. A record that arrives is new.
    """

    def __init__(
        self,
        *,
        silence: float = SILENCE,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`clock` measures, `now` gives seconds since the epoch."""
        self._silence, self._clock, self._now = silence, clock, now
        self._heard: dict[str, tuple[Worker, float]] = {}  # by worker id, with our clock
        self._unreadable: set[str] = set()

    def apply(self, record: Record, *, arrives: bool) -> None:
        """Take a record; `arrives` is False for those that were on the topic before we looked."""
        worker_id = (record.key or b"").decode(errors="replace")
        if not record.value:
            self._heard.pop(worker_id, None)
            return
        try:
            worker = decode_worker(record.value)
        except Undecodable as error:
            self._report(worker_id, record.offset, error)
            return
        age = 0.0 if arrives else max(0.0, self._now() - record.timestamp_ms / 1000)
        self._heard[worker_id] = worker, self._clock() - age

    def live(self) -> list[Seen]:
        """Return the workers that are alive, by kind and id."""
        now = self._clock()
        seen = (Seen(worker, now - at) for worker, at in self._heard.values())
        return sorted(
            (each for each in seen if each.seconds <= self._silence),
            key=lambda each: (each.worker.kind, each.worker.worker_id),
        )

    def silent_for(self, seconds: float) -> list[str]:
        """Return the ids of workers that have said nothing for longer than `seconds`."""
        now = self._clock()
        return sorted(id_ for id_, (_, at) in self._heard.items() if now - at > seconds)

    def _report(self, worker_id: str, offset: int, error: Undecodable) -> None:
        """A worker repeats itself every few seconds: log it once."""
        if worker_id not in self._unreadable:
            self._unreadable.add(worker_id)
            log.warning("worker_unreadable", offset=offset, problem=str(error))


def mixed_fingerprints(workers: Iterable[Worker]) -> dict[str, dict[str, int]]:
    """Return the groups whose workers differ in fingerprint, and how many have each."""
    groups: dict[str, Counter[str]] = {}
    for worker in workers:
        if worker.fingerprint is not None:
            groups.setdefault(worker.group, Counter())[worker.fingerprint] += 1
    return {group: dict(counts) for group, counts in groups.items() if len(counts) > 1}
