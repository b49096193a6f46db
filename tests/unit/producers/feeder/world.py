"""A feeder's world in memory: the store, the topics, what others write, and the clock."""

import math
from collections import Counter
from collections.abc import Callable, Container, Iterator
from typing import Any, cast

import pytest
from msgspec.structs import replace

from seedcast.campaigns.cursor_topic import CursorTable, write_feeder_records
from seedcast.codec import decode_request, encode_json
from seedcast.errors import SeedcastError
from seedcast.health import Readiness
from seedcast.kafka import Committed, Partition, Record
from seedcast.kafka.client_config import PROMPT, Fetch
from seedcast.kafka.memory_producer import MemoryProducer, Sent
from seedcast.producers.feeder import feeding as core
from seedcast.producers.feeder.feeding import Feeding
from seedcast.producers.feeder.fleet_slots import Capacity
from seedcast.producers.feeder.lists import Lists
from seedcast.producers.feeder.outcomes import Outcomes
from seedcast.producers.feeder.policy.depth import Depth
from seedcast.producers.feeder.rendering import Rendering
from seedcast.producers.feeder.term import Term
from seedcast.schemas.messages import (
    Campaign,
    CampaignState,
    Cursor,
    FeederTerm,
    RequestError,
    SpeechResult,
)
from seedcast.schemas.topics import CURSORS, REQUESTS, REQUESTS_URGENT, RESULTS
from seedcast.settings import Settings
from seedcast.storage.audit.committed import CommittedOffsets
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.staged_lists import folder, part_name
from seedcast.worker import STORE
from tests.builders.requests import numbered
from tests.builders.staged import STAGING, stage

SETTINGS = Settings()
LANES = {SETTINGS.topic(topic) for topic in (REQUESTS, REQUESTS_URGENT)}
PARTITIONS = dict.fromkeys(LANES, 8)
CHUNK = 2  # rows, so that a few make several chunks


class Broker(MemoryProducer):
    """Answers when it is flushed, and refuses the records that `refuses` has an error for."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses: Callable[[Sent], SeedcastError | None] = lambda _: None
        self.answers = True
        self.portion: int | None = None  # requests answered per flush; None: all
        self.at_once = False  # refuse as librdkafka does what it need not send
        self.sends = Counter[str]()  # by request id
        self.partitions: dict[str, int] = {}  # by request id
        self.calls = Counter[str]()  # records by topic, those that were refused, too

    def send(self, topic: str, **named: Any) -> None:
        super().send(topic, **named)
        self.calls[topic] += 1
        if topic not in LANES:
            return
        request_id = decode_request(named["value"]).request_id
        self.sends[request_id] += 1
        self.partitions[request_id] = named["partition"]
        if self.at_once and (error := self.refuses(self.outstanding[-1])):
            self.outstanding.pop()
            raise error

    def flush(self, timeout: float) -> int:
        if not self.answers:
            return len(self.outstanding)
        requests = [sent for sent in self.outstanding if sent.topic in LANES]
        later = [] if self.portion is None else requests[self.portion :]
        answered = [sent for sent in self.outstanding if sent not in later]
        self.outstanding = later
        for sent in answered:
            error = self.refuses(sent)
            self.acknowledged += [] if error else [sent]
            if sent.on_offset and not error:
                sent.on_offset(len(self.acknowledged) - 1)
            sent.on_delivery(error)
        return len(self.outstanding)

    def on(self, *topics: str) -> Iterator[Sent]:
        return (sent for sent in self.acknowledged if sent.topic in topics)


class FollowedCursors(CursorTable):
    """Reads back what a broker has of the topic."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self._broker, self._read = broker, 0

    def poll(self, timeout: float = 0.0) -> None:
        written = list(self._broker.on(SETTINGS.topic(CURSORS)))
        for sent in written[self._read :]:
            self.apply(sent.key, sent.value)
        self._read = len(written)

    def close(self) -> None: ...


class CampaignTopic:
    def __init__(self) -> None:
        self.records: dict[str, Campaign] = {}
        self.log: list[str] = []  # the id of each record

    def put(self, campaign: Campaign) -> None:
        self.records[campaign.campaign_id] = campaign
        self.log.append(campaign.campaign_id)

    def remove(self, campaign_id: str) -> None:
        del self.records[campaign_id]
        self.log.append(campaign_id)


class FollowedCampaigns:
    def __init__(self, topic: CampaignTopic) -> None:
        self._topic, self._read = topic, len(topic.log)
        self.disputed: set[str] = set()

    @property
    def records(self) -> dict[str, Campaign]:
        return self._topic.records

    def poll(self, timeout: float = 0.0) -> set[str]:
        changed, self._read = set(self._topic.log[self._read :]), len(self._topic.log)
        return changed

    def close(self) -> None: ...


class MemoryFleet:
    """GPU consumers as a test says."""

    def __init__(self) -> None:
        self.capacity = Capacity(workers=0, slots=0, busy=0)
        self.most_workers = 8

    @property
    def slots(self) -> int:
        return self.capacity.slots

    @slots.setter
    def slots(self, slots: int) -> None:
        self.capacity = Capacity(workers=int(slots > 0), slots=slots, busy=slots)

    def poll(self) -> None: ...

    def set_slots(self, depth: Depth[Partition]) -> None:
        depth.set_fleet(self.slots, [[Partition(name, n) for n in range(8)] for name in LANES])


class ResultTopic:
    """Results that the feeder has not read yet."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.fetch = PROMPT

    def follow(self, fetch: Fetch) -> None:
        self.fetch = fetch

    def put(self, request_id: str, campaign_id: str) -> None:
        result = SpeechResult(
            request_id=request_id,
            campaign_id=campaign_id,
            status="cancelled",
            error=RequestError(code="cancelled", message="nobody speaks it"),
        )
        partition = Partition(SETTINGS.topic(RESULTS), 0)
        self.records.append(Record(partition, 0, request_id.encode(), encode_json(result), (), 0))

    def poll(self, timeout: float) -> list[Record]:
        read, self.records = self.records, []
        return read


class FollowedOutcomes(Outcomes):
    """Follows the results from the beginning, as after a `rebuild` that found nothing."""

    def __init__(self, world: "World", ahead: float) -> None:
        super().__init__(SETTINGS, ahead, clock=lambda: world.now, now=lambda: world.now)
        self._reader = cast("Any", world.results)
        self._rendering = Rendering(
            SETTINGS, lambda: world.now, lambda: CommittedOffsets(world.committed)
        )


class World:
    def __init__(self) -> None:
        self.store, self.broker = MemoryStore(), Broker()
        self.campaigns, self.now, self.generation = CampaignTopic(), 1000.0, 0
        self.fleet, self.results = MemoryFleet(), ResultTopic()
        self.committed: dict[Partition, Committed] = {}  # by the GPU consumers
        self._answered = 0  # requests
        self._number = 0

    def submit(self, name: str, *sizes: int, spread: int | None = None, **changes: Any) -> Campaign:
        """Stage a list, each part with that many rows, later than those before."""
        parts = []
        for size in sizes:
            self._number += size
            ids = range(self._number - size, self._number)
            parts.append([numbered(n, campaign_id=name, **changes) for n in ids])
        campaign = stage(self.store, name, *parts, spread=spread)
        later = campaign.created_at.replace(minute=len(self.campaigns.records))
        self.campaigns.put(replace(campaign, created_at=later))
        return self.campaigns.records[name]

    def set_state(self, name: str, state: CampaignState) -> None:
        self.campaigns.put(replace(self.campaigns.records[name], state=state))

    def begin(self, ahead: float = math.inf) -> Feeding:
        """Begin the next feeder's term: it knows what the topics say. `ahead`: seconds."""
        self.generation += 1
        self.write(FeederTerm(generation=self.generation, feeder=str(self.generation)))
        campaigns, cursors = FollowedCampaigns(self.campaigns), FollowedCursors(self.broker)
        cursors.poll()
        self.readiness = Readiness(STORE)
        term = Term(self.generation, cast("Any", campaigns), cast("Any", cursors))
        return Feeding(
            SETTINGS,
            cast("Any", self.broker),
            Lists(SETTINGS, self.store, PARTITIONS, term.cursors, lambda: self.now),
            self._outcomes(ahead),
            cast("Any", self.fleet),
            term,
            self.readiness,
            clock=lambda: self.now,
            now=lambda: self.now,
        )

    def _outcomes(self, ahead: float) -> Outcomes:
        return Outcomes(SETTINGS, ahead) if ahead == math.inf else FollowedOutcomes(self, ahead)

    @property
    def unanswered(self) -> int:
        """Requests that are fed and have no result."""
        return len(self.campaigns_in_order) - self._answered

    def commit(self, offset: int) -> None:
        """Let the GPU consumers have spoken what is before this offset."""
        lanes = (Partition(name, number) for name in LANES for number in range(8))
        self.committed = {lane: Committed(offset, "") for lane in lanes}

    def answer(self, hung: Container[int] = ()) -> None:
        """Let the workers end what is fed, but for what lies on the partitions that hang."""
        requests = [decode_request(sent.value or b"") for sent in self.broker.on(*LANES)]
        for request in requests[self._answered :]:
            if self.broker.partitions[request.request_id] not in hung:
                self.results.put(request.request_id, request.campaign_id)
        self._answered = len(requests)

    def part(self, name: str, number: int) -> str:
        return self.store.uri(folder(name, STAGING) + part_name(number))

    def break_part(self, name: str, number: int) -> Callable[[], object]:
        """Delete a part; return what restores it."""
        uri = self.part(name, number)
        data, (_, _, key) = self.store.get(uri), uri.removeprefix("s3://").partition("/")
        self.store.delete(uri)
        return lambda: self.store.put(key, data, "application/octet-stream")

    @property
    def campaigns_in_order(self) -> list[str]:
        """The campaign of each acknowledged request, in their order."""
        return [decode_request(sent.value or b"").campaign_id for sent in self.broker.on(*LANES)]

    def rows_of(self, name: str) -> list[str]:
        """The ids of a campaign's acknowledged requests."""
        requests = (decode_request(sent.value or b"") for sent in self.broker.on(*LANES))
        return [request.request_id for request in requests if request.campaign_id == name]

    def cursor(self, name: str) -> Cursor:
        """The cursor that a new feeder would find."""
        table = FollowedCursors(self.broker)
        table.poll()
        return table.records[name]

    def write(self, *records: Cursor | FeederTerm) -> None:
        """Write as another feeder does."""
        write_feeder_records(cast("Any", self.broker), SETTINGS, records)


def feed_all(feeding: Feeding) -> None:
    """Feed what can be fed now, and write the cursors."""
    while feeding.turn():
        pass
    feeding.checkpoint()


def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "CHUNK", CHUNK)
