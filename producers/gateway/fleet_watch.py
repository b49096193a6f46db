"""Which workers are alive, and how far behind; in a thread, so that no view waits for Kafka."""

import time
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from threading import Event, Thread

import structlog

from seedcast.errors import SeedcastError
from seedcast.fleet.fleet import mixed_fingerprints
from seedcast.fleet.fleet_topic import FleetTopic
from seedcast.producers.gateway.oldest_request import oldest_request
from seedcast.schemas.messages import Worker, WorkerKind, WorkerState
from seedcast.settings import Settings

log = structlog.get_logger(__name__)
POLL = 0.5  # seconds for which `close` waits at most
ASKED = 15.0  # seconds between two questions for the oldest request
PAUSE = 5.0  # seconds until it is tried again where Kafka is away


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Those that do not differ: nobody is named, so that a tenant sees no machine."""

    kind: WorkerKind
    state: WorkerState
    version: str
    fingerprint: str | None
    count: int
    slots: int | None
    busy: int | None
    is_mixed: bool  # others of their group have another fingerprint


class FleetWatch:
    """`workers` and `oldest` are None while nothing is known. Any thread may read them."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._stop = settings, Event()
        self.workers: list[Workers] | None = None
        self.oldest: int | None = None  # seconds that the oldest request has waited, at least
        self._thread = Thread(target=self._run, name="fleet-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (SeedcastError, TimeoutError) as error:
                log.warning("fleet_unknown", problem=str(error), next="tried again")
            except Exception:  # else the page would show what was known last, for good
                log.exception("fleet_unknown", next="tried again")
            self.workers = self.oldest = None
            self._stop.wait(PAUSE)

    def _follow(self) -> None:
        with FleetTopic(self._settings) as topic:
            topic.catch_up()
            topic.follow()
            asked = float("-inf")
            while not self._stop.is_set():
                if time.monotonic() >= asked + ASKED:
                    self.oldest, asked = oldest_request(self._settings), time.monotonic()
                self.workers = grouped(seen.worker for seen in topic.fleet.live())
                topic.poll(POLL)


def grouped(workers: Iterable[Worker]) -> list[Workers]:
    """Return those that do not differ together, by kind."""
    alike, every = defaultdict[tuple[str, ...], list[Worker]](list), list(workers)
    for each in every:
        alike[each.kind, each.group, each.version, each.fingerprint or "", each.state].append(each)
    mixed = mixed_fingerprints(every)
    return [_together(some, mixed) for _, some in sorted(alike.items())]


def _together(some: Sequence[Worker], mixed: Container[str]) -> Workers:
    first = some[0]
    return Workers(
        kind=first.kind,
        state=first.state,
        version=first.version,
        fingerprint=first.fingerprint,
        count=len(some),
        slots=_total(each.slots for each in some),
        busy=_total(each.busy for each in some),
        is_mixed=first.group in mixed,
    )


def _total(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
