"""How requests ended: reading results, and subscribing to them.

    from seedcast import embedded, settings
    from seedcast.results import subscribe

    with subscribe(embedded.connected(settings.load()), group="billing", campaign="july-bills") as results:
        for result in results:
            print(result.metadata["id"], result.status, [rendition.uri for rendition in result.renditions])

It ends when every request of the campaign has its outcome. Run again, it goes on after what was done.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, nullcontext
from types import TracebackType

import structlog

from schemas.messages import SpeechResult
from schemas.topics import RESULTS
from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.campaigns.progress import Outcomes, Seen
from seedcast.codec import decode_result
from seedcast.errors import InvalidInput, Retryable, Undecodable
from seedcast.kafka import Committed, GroupConsumer, Partition, Record, TopicReader
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

POLL = 0.2  # seconds
COMMIT_INTERVAL = 1.0  # seconds; a crash shows the caller again what was done within them


def read_results(
    settings: Settings, campaign: str | None = None, follow: bool = False
) -> Iterator[SpeechResult]:
    """The first result of every request, without a group: what is there now, or for ever with `follow`."""
    seen = Seen()
    with TopicReader(settings, settings.topic(RESULTS)) as reader:
        while follow or not reader.caught_up:
            for record in reader.poll(POLL):
                result = _decode(record)
                if (
                    result
                    and campaign in (None, result.campaign_id)
                    and seen.first(result.request_id, record.timestamp_ms)
                ):
                    yield result


class Subscription(Iterator[SpeechResult]):
    """What `subscribe` returns.

    A result is done when the next one is asked for, or with `close()`, or at the end of a `with` block that raised nothing.
    Where the loop is left otherwise, the last one comes again.
    """

    def __init__(self, settings: Settings, group: str, campaign: str | None) -> None:
        ending = _Ending(settings, campaign) if campaign is not None else None
        self._member = _Member(settings, group, campaign)
        self._results = _follow(self._member, ending)

    def __next__(self) -> SpeechResult:
        return next(self._results)

    def __enter__(self) -> "Subscription":
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
        self._member.close()  # the generator's own end does not run where it never began


def subscribe(settings: Settings, group: str, campaign: str | None = None) -> Subscription:
    """Each request's first result once, as a member of a consumer group; several members share the partitions.

    With a campaign the consumer group is one for itself, GROUP:CAMPAIGN: what another campaign, or none, has read or left does not count for it.
    The group resumes after what was done. Repeats are left out over restarts, too: all results of a request are in one
    partition, which its owner reads again from its beginning, up to the committed offset, to know the ids.
    With a campaign, ends when that campaign is complete, or was cancelled before it was sealed, and what this member owns of it was handed out.

    Raises InvalidInput where there is no such campaign; iterating raises Fatal errors of Kafka.
    """
    return Subscription(settings, group, campaign)


def _follow(member: "_Member", ending: "_Ending | None") -> Generator[SpeechResult]:
    with closing(member), closing(ending) if ending else nullcontext():
        while True:
            complete = ending is not None and ending.reached()
            taken = 0
            for result in member.poll():
                taken += 1
                yield result
            member.commit()
            if complete and not taken and member.at_end():
                return


class _Ending:
    """Whether a campaign is complete: a member sees only its own partitions."""

    def __init__(self, settings: Settings, campaign: str) -> None:
        self._campaign = campaign
        self._campaigns, self._outcomes = Campaigns(settings), Outcomes(settings, campaign)
        self._campaigns.catch_up()
        if campaign not in self._campaigns.records:
            self.close()
            raise InvalidInput(
                f"campaign {campaign}", expected="one that was submitted", got="none of that name"
            )

    def reached(self) -> bool:
        self._campaigns.poll()
        self._outcomes.poll(0)
        return self._outcomes.ended(self._campaigns.records[self._campaign])

    def close(self) -> None:
        self._campaigns.__exit__()
        self._outcomes.__exit__()


class _Member:
    def __init__(self, settings: Settings, group: str, campaign: str | None) -> None:
        self._campaign = campaign
        self._resume: dict[
            Partition, int
        ] = {}  # committed offsets: below them results are only remembered
        self._next: dict[Partition, int] = {}
        self._committed: dict[Partition, int] = {}
        self._seen: dict[Partition, Seen] = {}
        self._current: Record | None = None  # with the caller
        self._joined = self._closed = False
        self._last_commit = time.monotonic()
        topic, name = (
            settings.topic(RESULTS),
            settings.group(group if campaign is None else f"{group}:{campaign}"),
        )
        self._consumer = GroupConsumer(
            settings,
            name,
            [topic],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
            rewind=True,
        )

    def poll(self) -> Iterator[SpeechResult]:
        """First results; the one before is done when the next is asked for."""
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
        """Whether all of its partitions, perhaps none, were read to their end."""
        try:
            return self._joined and self._consumer.at_end(self._next)
        except Retryable as error:
            log.warning("end_unknown", problem=str(error))  # it is asked again
            return False

    def commit(self) -> None:
        self._last_commit = time.monotonic()
        moved = {p: offset for p, offset in self._next.items() if offset > self._committed[p]}
        if not moved:
            return
        try:
            self._consumer.commit({p: (offset, "") for p, offset in moved.items()})
        except Retryable as error:
            log.warning("commit", problem=str(error))  # the next commit covers it
        else:
            self._committed |= moved

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._consumer.close()

    def _first(self, record: Record) -> SpeechResult | None:
        result = _decode(record)
        if result is None or self._campaign not in (None, result.campaign_id):
            return None
        first = self._seen[record.partition].first(result.request_id, record.timestamp_ms)
        return result if first and record.offset >= self._resume[record.partition] else None

    def _assigned(self, committed: dict[Partition, Committed]) -> None:
        self._joined = True
        for partition, left in committed.items():
            self._resume[partition] = self._committed[partition] = left.offset or 0
            self._next[partition] = 0
            self._seen[partition] = Seen()

    def _revoked(self, _: Sequence[Partition]) -> None:
        self.commit()

    def _lost(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            for table in (self._resume, self._next, self._committed, self._seen):
                table.pop(partition, None)


def _decode(record: Record) -> SpeechResult | None:
    try:
        return decode_result(record.value)
    except Undecodable as error:
        log.warning(
            "result_unreadable",
            partition=record.partition.number,
            offset=record.offset,
            problem=str(error),
        )
        return None
