"""Results of requests: read them, or subscribe to them.

The loop ends when every request of the campaign has its outcome. Run again, it goes on after the
last result that was handled.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import structlog

from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.campaigns.indexed_outcomes import CampaignIndex, CampaignOutcomes
from seedcast.campaigns.progress import ReadIds, Seen, decode_readable, follow_batched
from seedcast.errors import AccessDenied, InvalidInput, Retryable
from seedcast.kafka import Admin, Committed, GroupConsumer, Partition, Record, TopicReader
from seedcast.schemas.messages import SpeechResult
from seedcast.schemas.rights import SUBSCRIBER
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

POLL = 0.2  # seconds
RETRY = 5.0  # seconds until a list that could not be read is read again
COMMIT_INTERVAL = 1.0  # seconds; results handled within it come again after a crash


def read_results(
    settings: Settings, campaign: str | None = None, follow: bool = False
) -> Iterator[SpeechResult]:
    """Yield the first result of every request, without a consumer group.

    Ends at the end of the topic; with `follow`, never.
    """
    seen = Seen()
    with TopicReader(settings, settings.topic(RESULTS)) as reader:
        while follow or not reader.caught_up:
            records = reader.poll(POLL)
            if follow and reader.caught_up:
                follow_batched(reader)
            for record in records:
                result = _decode(record, campaign)
                if result and seen.first(result.request_id, record.timestamp_ms):
                    yield result


class Subscription(Iterator[SpeechResult]):
    """Iterates over results; made by `subscribe`.

    A result counts as handled once the next one is asked for, with `close()`, or at the end of a
    `with` block that raised nothing. Otherwise the last one comes again.
    """

    def __init__(
        self,
        settings: Settings,
        group: str,
        read_ids: ReadIds,
        campaign: str | None,
        index: CampaignIndex | None,
    ) -> None:
        with ExitStack() as opened:
            if index:
                opened.callback(index.close)
            Admin(settings).require(
                SUBSCRIBER, group if campaign is None else f"{group}:{campaign}"
            )
            completion = None
            if campaign is not None:
                completion = _Completion(settings, read_ids, campaign, index)
                opened.callback(completion.close)
            self._member = _Member(settings, group, campaign)
            opened.callback(self._member.close)
            self._opened = opened.pop_all()
        self._results = _follow(self._member, completion, self._opened)

    def __next__(self) -> SpeechResult:
        return next(self._results)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.close() if kind is None else self._leave()

    def close(self) -> None:
        self._member.done()
        self._leave()

    def _leave(self) -> None:
        self._results.close()
        self._opened.close()  # a generator that never began does not run its own end


def subscribe(
    settings: Settings,
    group: str,
    read_ids: ReadIds,
    campaign: str | None = None,
    index: CampaignIndex | None = None,
) -> Subscription:
    """Iterate over each request's first result, as a member of a consumer group.

    Several members share the partitions. The group resumes after the last handled result. Repeats
    are left out across restarts, too: all results of a request are in one partition, which its
    owner reads again from the beginning up to the committed offset, to know the ids.

    With a campaign, the group is GROUP:CAMPAIGN, with offsets of its own. Iteration then ends once
    every request of its list has a result and this member has handed out its share of them. An
    `index` knows that, and is closed with the subscription; without one, or once it fails, all of
    the results topic is read for it. `read_ids` is called only then, and only if there are results
    under its name that are not in the list. These are handed out, too.

    Raises InvalidInput if there is no such campaign, AccessDenied if a right is missing; iterating
    raises Fatal errors of Kafka, and of `read_ids`.
    """
    return Subscription(settings, group, read_ids, campaign, index)


def _follow(
    member: "_Member", completion: "_Completion | None", opened: ExitStack
) -> Generator[SpeechResult]:
    with opened:
        while True:
            complete = completion is not None and completion.reached()
            count = 0
            for result in member.poll():
                count += 1
                yield result
            member.commit()
            if complete and not count and member.at_end():
                return


class _Completion:
    """Follows a whole campaign: a member sees only the results in its own partitions."""

    def __init__(
        self,
        settings: Settings,
        read_ids: ReadIds,
        campaign: str,
        index: CampaignIndex | None = None,
    ) -> None:
        self._campaign, self._ask_at = campaign, 0.0
        self._campaigns = Campaigns(settings)
        self._outcomes = CampaignOutcomes(settings, read_ids, index, campaign)
        self._campaigns.catch_up()
        if campaign not in self._campaigns.records:
            self.close()
            raise InvalidInput(
                f"campaign {campaign}", expected="one that was submitted", got="none of that name"
            )
        self._campaigns.follow()

    def reached(self) -> bool:
        """Return True once no further outcome is expected. Raises Fatal errors."""
        self._campaigns.poll()
        self._outcomes.poll(0)
        if time.monotonic() < self._ask_at:
            return False
        try:
            return self._outcomes.ended(self._campaigns.records[self._campaign])
        except Retryable as error:
            log.warning("list_unread", campaign_id=self._campaign, problem=str(error))
            self._ask_at = time.monotonic() + RETRY
            return False
        except AccessDenied as error:
            what = f"campaign {self._campaign} has results that are not of its list; {error.what}"
            raise AccessDenied(
                what, expected=error.expected, got=error.got, remedy=error.remedy
            ) from error

    def close(self) -> None:
        self._campaigns.close()
        self._outcomes.close()


class _Member:
    def __init__(self, settings: Settings, group: str, campaign: str | None) -> None:
        self._campaign = campaign
        # Offsets committed before the assignment: below them, results are only remembered.
        self._resume: dict[Partition, int] = {}
        self._next: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}
        self._seen: dict[Partition, Seen] = {}
        self._current: Record | None = None  # with the caller
        self._joined = False
        self._last_commit = time.monotonic()
        self._consumer = GroupConsumer(
            settings,
            settings.group(group if campaign is None else f"{group}:{campaign}"),
            [settings.topic(RESULTS)],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
            rewind=True,
        )

    def poll(self) -> Iterator[SpeechResult]:
        """Yield first results; each is handled once the next one is asked for."""
        for record in self._consumer.poll(1000, POLL):
            if record.partition not in self._next:
                continue
            self._current = record
            if (result := self._first(record)) is not None:
                yield result
            self.done()
            if time.monotonic() - self._last_commit > COMMIT_INTERVAL:
                self.commit()

    def done(self) -> None:
        if (record := self._current) and record.partition in self._next:
            self._next[record.partition] = record.offset + 1
        self._current = None

    def at_end(self) -> bool:
        """Return True if all partitions of this member, perhaps none, were read to their ends."""
        try:
            return self._joined and self._consumer.at_end(self._next)
        except Retryable as error:
            log.warning("end_unknown", problem=str(error))  # the next call asks again
            return False

    def commit(self) -> None:
        self._last_commit = time.monotonic()
        moved = {p: offset for p, offset in self._next.items() if offset > self._committed[p]}
        if not moved:
            return
        try:
            self._consumer.commit_sync({p: (offset, "") for p, offset in moved.items()})
        except Retryable as error:
            log.warning("commit", problem=str(error))  # the next commit covers it
        else:
            self._committed |= moved

    def close(self) -> None:
        self._consumer.close()

    def _first(self, record: Record) -> SpeechResult | None:
        if (result := _decode(record, self._campaign)) is None:
            return None
        first = self._seen[record.partition].first(result.request_id, record.timestamp_ms)
        return result if first and record.offset >= self._resume[record.partition] else None

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        self._joined = True
        for partition, offsets in committed.items():
            self._resume[partition] = self._committed[partition] = offsets.offset or 0
            self._next[partition] = 0
            self._seen[partition] = Seen()

    def _revoked(self, _: Sequence[Partition]) -> None:
        self.commit()

    def _lost(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            for table in (self._resume, self._next, self._committed, self._seen):
                table.pop(partition, None)


def _decode(record: Record, campaign: str | None) -> SpeechResult | None:
    """None if the record is unreadable, or of another campaign than the one asked for."""
    result = decode_readable(record)
    if result is None or campaign not in (None, result.campaign_id):
        return None
    return result
