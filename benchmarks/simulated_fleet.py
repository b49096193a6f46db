"""A fleet on a simulated clock, fed by the feeder's own policy: what benchmarks and tests share.

Each worker owns partitions and takes rows from them in turns, as the GPU consumer's scheduler does.
A row is in its slot for `pace` seconds per second of its audio, or for none once its deadline is
past; its result reaches the feeder `delivery` seconds later, or when post-processing has come to
it. The feeder looks every `tick` seconds; how many slots are busy, it learns every HEARTBEAT.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from random import Random

from seedcast.campaigns.schedule import ALWAYS, Schedule
from seedcast.fleet.announcer import HEARTBEAT
from seedcast.producers.feeder.policy.cost import UNSPOKEN
from seedcast.producers.feeder.policy.depth import Depth
from seedcast.producers.feeder.policy.fair_order import Terms
from seedcast.producers.feeder.policy.flow import Flow
from seedcast.producers.feeder.policy.look_ahead import START, LookAhead, Place
from seedcast.producers.feeder.policy.rate_limit import RateLimit
from seedcast.producers.feeder.policy.release import Release, Released


@dataclass(frozen=True, slots=True)
class Row:
    request_id: str
    campaign: str
    partition: int
    seconds: float  # of audio
    deadline: float = math.inf  # by the clock of the fleet


@dataclass(frozen=True, slots=True)
class Event:
    """A row was fed, or its result came."""

    at: float
    row: Row


@dataclass(frozen=True, kw_only=True)
class Shape:
    workers: int = 8
    slots: int = 64  # of each worker
    partitions: int = 48
    pace: float = 1.0
    delivery: float = 1.0  # seconds
    rendered: float = math.inf  # results per second that post-processing is able to give
    tick: float = 0.1  # seconds
    hung: frozenset[int] = frozenset()  # partitions whose rows are never begun


@dataclass
class Worker:
    free: int
    turns: deque[int] = field(default_factory=deque)  # partitions that have rows
    waiting: dict[int, deque[Row]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        rows = self.waiting.setdefault(row.partition, deque())
        if not rows:
            self.turns.append(row.partition)
        rows.append(row)

    def begin(self) -> Iterator[Row]:
        """Yield the rows that take the free slots."""
        while self.free and self.turns:
            partition = self.turns.popleft()
            rows = self.waiting[partition]
            self.free -= 1
            yield rows.popleft()
            if rows:
                self.turns.append(partition)


class SimulatedFleet:
    def __init__(self, shape: Shape, feed_ahead: float = 30.0) -> None:
        self.shape, self.now = shape, 0.0
        self.offset = 0.0  # seconds by which the feeder's clock is ahead
        depth = Depth[int](feed_ahead)
        depth.set_fleet(shape.workers * shape.slots, [range(shape.partitions)])
        self._busy, self._told_at = 0, -math.inf  # what the workers last said, and when
        self.release = Release[Row, int](
            depth,
            lambda row: row.request_id,
            lambda row: row.partition,
            self._cost,
        )
        self.workers = [Worker(shape.slots) for _ in range(shape.workers)]
        self.fed: list[Event] = []
        self.done: list[Event] = []
        self.spoken: list[tuple[float, float]] = []  # when a slot was taken, and until when
        self._unspoken = set[str]()  # ids of rows that were fed to end so
        self._flows: dict[str, Flow[Row, int]] = {}
        self._terms: dict[str, Terms] = {}
        self._rendered_at = 0.0
        self._events: list[tuple[float, int, str, Row]] = []
        self._numbers = count()

    def submit(
        self,
        rows: Iterable[Row],
        terms: Terms,
        *,
        place: Place = START,
        schedule: Schedule = ALWAYS,
        rate: float | None = None,
    ) -> None:
        listed = list(rows)
        name = listed[0].campaign
        unread = islice(listed, place.first, None)
        self._flows[name] = Flow(
            rows=LookAhead(unread, lambda row: row.partition, place),
            schedule=schedule,
            limit=RateLimit(rate, self.now) if rate else None,
        )
        self.set_terms({name: terms})

    def set_terms(self, terms: Mapping[str, Terms]) -> None:
        self._terms.update(terms)
        self.release.set_flows(self._flows, self._terms)

    def withdraw(self, campaign: str) -> Place:
        """Feed a campaign no more; return how far it is."""
        place = self._flows.pop(campaign).rows.place
        self.release.set_flows(self._flows, self._terms)
        return place

    def place(self, campaign: str) -> Place:
        return self._flows[campaign].rows.place

    def is_fed(self, campaign: str) -> bool:
        return self._flows[campaign].rows.is_fed

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self._feed()
            self._advance(min(end, self.now + self.shape.tick))

    def run_until_done(self, campaign: str, rows: int, limit: float = 1e6) -> float:
        """Return when the last of a campaign's results came."""
        while sum(event.row.campaign == campaign for event in self.done) < rows:
            assert self.now < limit, f"{campaign} is not done"
            self.run(1.0)
        return max(event.at for event in self.done if event.row.campaign == campaign)

    def idle(self, since: float, until: float) -> float:
        """Return the share of the slots' time in which they spoke nothing."""
        busy = sum(max(0.0, min(end, until) - max(start, since)) for start, end in self.spoken)
        return max(0.0, 1 - busy / (self.shape.workers * self.shape.slots * (until - since)))

    def _cost(self, row: Row) -> float:
        return UNSPOKEN if self.now + self.offset > row.deadline else row.seconds

    def _tell(self) -> None:
        slots = self.shape.workers * self.shape.slots
        if self.now >= self._told_at + HEARTBEAT:
            free = sum(worker.free for worker in self.workers)
            self._busy, self._told_at = slots - free, self.now
        self.release.depth.set_fleet(slots, [range(self.shape.partitions)], self._busy)

    def _feed(self) -> None:
        self._tell()
        for released in self.release.turn(self.now + self.offset):
            self._send(released)

    def _send(self, released: Released[Row, int]) -> None:
        row = released.row
        if self._cost(row) == UNSPOKEN:
            self._unspoken.add(row.request_id)
        self.release.acknowledge(released)
        self.fed.append(Event(self.now, row))
        if row.partition not in self.shape.hung:
            worker = row.partition % len(self.workers)
            self.workers[worker].add(row)
            self._begin(worker)

    def _begin(self, worker: int) -> None:
        for row in self.workers[worker].begin():
            kind = "spoken" if self.now <= row.deadline else "expired"
            end = self.now + (row.seconds * self.shape.pace if kind == "spoken" else 0.0)
            self.spoken.append((self.now, end))
            self._schedule(end, kind, row)

    def _advance(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, kind, row = heapq.heappop(self._events)
            if kind in ("spoken", "expired"):
                worker = row.partition % len(self.workers)
                self.workers[worker].free += 1
                self._begin(worker)
                self._rendered_at = max(self.now, self._rendered_at + 1 / self.shape.rendered)
                is_work = kind == "spoken" or row.request_id in self._unspoken
                result = "work" if is_work else "nothing"
                self._schedule(self._rendered_at + self.shape.delivery, result, row)
            else:
                seen_at = self.now + self.offset
                self.release.depth.ended(row.request_id, seen_at, spoken=kind == "work")
                self.done.append(Event(self.now, row))
        self.now = until

    def _schedule(self, at: float, kind: str, row: Row) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), kind, row))


def rows_of(
    campaign: str,
    rows: int,
    partitions: Iterable[int],
    *,
    median: float = 6.0,
    most: float = 30.0,
    seed: int = 1,
) -> list[Row]:
    """Return rows of different length; `median` and `most` are seconds of audio."""
    random, places = Random(f"{campaign} {seed}"), list(partitions)
    return [
        Row(
            f"{campaign}-{number}",
            campaign,
            random.choice(places),
            min(most, max(0.5, random.lognormvariate(0, 0.5) * median)),
        )
        for number in range(rows)
    ]


def seconds_by_campaign(
    events: Iterable[Event], since: float = 0.0, until: float = math.inf
) -> dict[str, float]:
    """Return the audio seconds of each campaign's events in a span."""
    seconds: dict[str, float] = {}
    for event in events:
        if since <= event.at < until:
            campaign = event.row.campaign
            seconds[campaign] = seconds.get(campaign, 0.0) + event.row.seconds
    return seconds
