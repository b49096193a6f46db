"""Subscribing to results.

from seedcast import embedded, settings
from seedcast.results import subscribe

for result in subscribe(embedded.connected(settings.load()), group="billing", campaign="july-bills"):
    print(result.request_id, result.status, [r.uri for r in result.renditions])
"""

from collections.abc import Iterator, Sequence

import structlog

from schemas.messages import SpeechResult
from schemas.topics import RESULTS
from seedcast.campaigns import Campaigns
from seedcast.codec import decode_result
from seedcast.errors import InvalidInput, Undecodable
from seedcast.kafka import Committed, GroupConsumer, Partition, Record, TopicReader
from seedcast.outcomes import Outcomes
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

POLL = 0.2  # seconds
COMMIT_EVERY = 100  # results; a crash shows the caller at most so many again


def read_results(settings: Settings, campaign: str | None = None, follow: bool = False) -> Iterator[SpeechResult]:
    """The first result of every request, without a group: what is there now, or for ever with `follow`."""
    seen: set[str] = set()
    with TopicReader(settings, settings.topic(RESULTS)) as reader:
        while follow or not reader.caught_up:
            for record in reader.poll(POLL):
                result = _decode(record)
                if result and campaign in (None, result.campaign_id) and result.request_id not in seen:
                    seen.add(result.request_id)
                    yield result


def subscribe(settings: Settings, group: str, campaign: str | None = None) -> Iterator[SpeechResult]:
    """Each request's first result once, as a member of a consumer group; several members share the partitions.

    A result counts as done when the caller asks for the next one, or closes the iterator; the group resumes after
    what was done. Repeats are left out over restarts, too: all results of a request are in one
    partition, which a new owner reads again from its beginning, up to the committed offset, to know the ids.
    With a campaign, ends when that campaign is complete and what this member owns of it was handed out.

    Raises InvalidInput where there is no such campaign.
    """
    subscription = _Subscription(settings, group)
    try:
        with Campaigns(settings) as campaigns, Outcomes(settings) as outcomes:
            campaigns.catch_up()
            if campaign is not None and campaign not in campaigns.records:
                raise InvalidInput(f"campaign {campaign}", expected="one that was submitted", got="none of that name")
            while True:
                if campaign is not None:
                    outcomes.poll(0)
                    campaigns.poll()
                ended = campaign is not None and outcomes.caught_up and outcomes.progress(campaigns.records[campaign]).complete
                taken = 0
                for result in subscription.poll():
                    taken += 1
                    if campaign in (None, result.campaign_id):
                        yield result
                subscription.commit()
                if ended and not taken and subscription.assigned and subscription.at_end():
                    return
    finally:
        subscription.close()


class _Subscription:
    def __init__(self, settings: Settings, group: str) -> None:
        self._topic = settings.topic(RESULTS)
        self._resume: dict[Partition, int] = {}  # committed offsets: below them results are only remembered
        self._next: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}
        self._seen: dict[Partition, set[str]] = {}
        self._consumer = GroupConsumer(
            settings, settings.group(group), [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost, rewind=True
        )

    @property
    def assigned(self) -> bool:
        return bool(self._next)

    def poll(self) -> Iterator[SpeechResult]:
        """First results; the one before counts as done when the next is asked for."""
        since = 0
        for record in self._consumer.poll(1000, POLL):
            if record.partition not in self._next:
                continue
            if (result := self._first(record)) is not None:
                yield result
                since += 1
            if record.partition in self._next:
                self._next[record.partition] = record.offset + 1
            if since >= COMMIT_EVERY:
                self.commit()
                since = 0

    def _first(self, record: Record) -> SpeechResult | None:
        result = _decode(record)
        seen = self._seen[record.partition]
        if result is None or result.request_id in seen:
            return None
        seen.add(result.request_id)
        return result if record.offset >= self._resume[record.partition] else None

    def at_end(self) -> bool:
        return self._consumer.at_end(self._next)

    def commit(self) -> None:
        moved = {p: offset for p, offset in self._next.items() if offset > self._committed[p]}
        if moved:
            self._consumer.commit({p: (offset, "") for p, offset in moved.items()})
            self._committed |= moved

    def close(self) -> None:
        self._consumer.close()

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        for partition, left in committed.items():
            self._resume[partition] = self._committed[partition] = left.offset or 0
            self._next[partition] = 0
            self._seen[partition] = set()

    def _revoked(self, partitions: Sequence[Partition]) -> None:
        self.commit()
        self._lost(partitions)

    def _lost(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            for table in (self._resume, self._next, self._committed, self._seen):
                table.pop(partition, None)


def _decode(record: Record) -> SpeechResult | None:
    try:
        return decode_result(record.value)
    except Undecodable as error:
        log.warning("result_unreadable", partition=record.partition.number, offset=record.offset, problem=str(error))
        return None
