"""One list that is being fed: its place, its rows while it is open, and why it may be held."""

import math
from collections.abc import Iterator

from seedcast.campaigns.opening import schedule_of
from seedcast.errors import (
    CredentialsRefused,
    InvalidInput,
    ListDamaged,
    Poison,
    SeedcastError,
    StoreUnavailable,
)
from seedcast.kafka import Partition
from seedcast.producers.feeder.outage import MAY_HEAL, Outage
from seedcast.producers.feeder.policy.deadline import boost
from seedcast.producers.feeder.policy.fair_order import Terms
from seedcast.producers.feeder.policy.flow import Flow
from seedcast.producers.feeder.policy.look_ahead import LookAhead, Place
from seedcast.producers.feeder.policy.rate_limit import RateLimit
from seedcast.producers.feeder.policy.throughput import Throughput
from seedcast.producers.feeder.row import Row, prepare
from seedcast.producers.request_topics import RequestTopics
from seedcast.schemas.messages import Campaign
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import read_rows, staged_of

RowFlow = Flow[Row, Partition]
# Errors that no waiting mends: the list is held until somebody does.
HOLDING = (ListDamaged, Poison, InvalidInput)


class Feed:
    def __init__(
        self,
        store: ObjectStore,
        outage: Outage,
        topics: RequestTopics,
        campaign: Campaign,
        place: Place,
    ) -> None:
        """`outage`: what all lists share; `place`: how far the list is fed."""
        self._store, self._outage = store, outage
        self._topics, self.campaign = topics, campaign
        staged = staged_of(campaign)
        self.staging = staged.staging
        self._total = sum(part.rows for part in staged.parts)
        self._place = place  # while it is closed
        self.flow: RowFlow | None = None  # while it is open
        self._limit: RateLimit | None = None
        self.throughput = Throughput()
        self.mean_cost = 1.0  # predicted seconds of audio of a row
        # The last deadline of the rows that were read so far, up to a window of 4,000 ahead, in
        # seconds since 1970; None: none was read.
        self._last_deadline: float | None = None
        self._wrong_terms: InvalidInput | None = None
        self._damage: tuple[int, ListDamaged] | None = None  # at which row, from 0
        self._never_taken: dict[str, SeedcastError] = {}  # what the broker says, by request id
        self.told: str | None = None  # why it is held, as it was logged last
        self.retry_at = 0.0  # seconds of the monotonic clock
        self.postponed_by: Exception | None = None  # until then

    @property
    def place(self) -> Place:
        return self.flow.rows.place if self.flow else self._place

    @property
    def left(self) -> int:
        """Rows that are not fed."""
        fed = self.flow.rows.fed if self.flow else self._place.fed
        return max(0, self._total - fed)

    @property
    def held(self) -> str | None:
        """Why the rest cannot be fed, as far as is known; None: nothing holds it."""
        damage = self._damage[1] if self._damage else None
        error = self._wrong_terms or damage or next(iter(self._never_taken.values()), None)
        return str(error) if error else None

    def row_refused(self, request_id: str, error: SeedcastError) -> None:
        """The broker has refused a row: the list stops, as if the row could not be read.

        While it waits already, only an error that ends the process is news.
        """
        if isinstance(error, HOLDING):
            self._never_taken[request_id] = error
        if self.flow and (not self.flow.failure or not isinstance(error, HOLDING + MAY_HEAL)):
            self.flow.failure = error

    def row_taken(self, request_id: str) -> None:
        """The broker has the row."""
        self._never_taken.pop(request_id, None)

    def open(self, now: float) -> RowFlow:
        """Begin to read, or go on after an error. Raises ListDamaged, StoreUnavailable."""
        self.postponed_by = None
        if self.flow is None:
            rows = LookAhead(self._rows(self._place.first), lambda row: row.partition, self._place)
            self.flow = Flow(rows=rows)
        elif self.flow.failure:
            self.flow.rows.resume(self._rows(self.flow.rows.place.read))
        self.flow.failure = None
        self.set_terms(self.campaign, now)
        return self.flow

    def close(self) -> None:
        """Free the part in memory, unless rows are under way: their answers come here."""
        if self.flow and not self.flow.rows.taken:
            self._place, self.flow = self.place, None

    def set_terms(self, campaign: Campaign, now: float) -> None:
        """Take over what an operator may have changed.

        A window that is none (this machine may not know its zone) holds this list, and no other.
        """
        self.campaign = campaign
        if campaign.rate is None or self.is_cancelled():
            self._limit = None
        elif self._limit is None:
            self._limit = RateLimit(campaign.rate, now)
        else:
            self._limit.set_rate(campaign.rate, now)
        if self.flow:
            self.flow.limit = self._limit
            self._wrong_terms = None
            try:
                self.flow.schedule = schedule_of(campaign)
            except InvalidInput as error:  # a record that no command of ours has written
                self.flow.failure = self._wrong_terms = error

    def terms(self, now: float) -> Terms:
        campaign, rate = self.campaign, self.throughput.per_second(now)
        deadline = campaign.deadline.timestamp() if campaign.deadline else None
        return Terms(
            tenant=campaign.tenant,
            weight=campaign.weight,
            boost=boost(deadline, now, self.backlog(now), rate),
        )

    def learn_cost(self, seconds: float) -> None:
        """Take the predicted seconds of a row that is fed."""
        self.mean_cost += (seconds - self.mean_cost) * 0.05

    def backlog(self, now: float) -> float:
        """Return the predicted seconds of audio of what is not fed."""
        return 0.0 if self.ends_unspoken(now) else self.left * self.mean_cost

    def ends_unspoken(self, now: float) -> bool:
        """Return True if what is not fed will not be spoken, as far as is known.

        The campaign's deadline tells only until a row is read: each row keeps its own, whatever
        `campaigns set` says. Rows that were not read yet may have a later one than those before
        them: while thousands of expired rows come first, they are no backlog.
        """
        if self._last_deadline is not None:
            return self.is_cancelled() or now > self._last_deadline
        deadline = self.campaign.deadline
        return self.is_cancelled() or (deadline is not None and now > deadline.timestamp())

    def is_cancelled(self) -> bool:
        return self.campaign.state == "cancelled"

    def _rows(self, start: int) -> Iterator[Row]:
        self._outage.check()
        index = start
        try:
            for staged in read_rows(self._store, self.campaign, start):
                row = prepare(staged, self._topics, self.is_cancelled)
                self._last_deadline = max(self._last_deadline or -math.inf, row.deadline)
                if self._damage and index >= self._damage[0]:
                    self._damage = None
                index += 1
                yield row
        except ListDamaged as error:
            self._damage = index, error
            raise
        except StoreUnavailable as error:
            self._outage.begin(error)
            raise
        except CredentialsRefused as error:  # keys are rotated, and rights restored
            raise StoreUnavailable(error.what, got=error.got, remedy=error.remedy) from error
