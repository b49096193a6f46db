"""The progress of campaigns: first results of request ids, counted from the results topic.

A campaign is complete when every id of its staged list has a result. Other results under its name
are strays: they are named, and never counted. The record has a digest of the list's ids, so that
the list itself is read only to tell strays apart.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from seedcast.campaigns.set_digest import SetDigest
from seedcast.codec import decode_result
from seedcast.errors import Retryable, Undecodable
from seedcast.kafka import Record, TopicReader
from seedcast.kafka.client_config import BATCHED
from seedcast.schemas.messages import Campaign, SpeechResult
from seedcast.schemas.topics import DAY, RESULTS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

NAMED = 10  # strays by their ids
KEPT = RESULTS.retention_ms // DAY + 1  # days; the first of them is rarely a whole one

ReadIds = Callable[[Campaign], Iterable[str]]  # the request ids of a campaign's staged list


@dataclass(frozen=True, kw_only=True)
class Progress:
    accepted: int | None  # None in a campaign of events, and of an older version until it is sealed
    succeeded: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    audio_seconds: float = 0.0  # of the first rendition of each request
    rate: float | None = None  # outcomes per second, between the first and the latest
    strays: int = 0  # results whose request is not in the list; counted nowhere else
    stray_ids: tuple[str, ...] = ()  # the first of them
    # False where strays may be among those counted, because the list's ids were not read.
    certain: bool = True

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed + self.expired + self.cancelled

    @property
    def complete(self) -> bool:
        return self.accepted is not None and self.certain and self.finished >= self.accepted

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the campaign is complete at this rate; None if complete or unknown."""
        if self.accepted is None or self.complete or not self.rate:
            return None
        return max(0, self.accepted - self.finished) / self.rate


@dataclass
class _Tally:
    listed: frozenset[int] | None = None  # compact ids of the list; None: not read
    ids: set[int] = field(default_factory=set)
    digest: SetDigest = field(default_factory=SetDigest)
    statuses: Counter[str] = field(default_factory=Counter)
    audio_seconds: float = 0.0
    first_ms: int = 0
    last_ms: int = 0
    strays: int = 0
    stray_ids: list[str] = field(default_factory=list)

    def take(self, result: SpeechResult, timestamp_ms: int) -> bool:
        """Return True if this is the first result of a request of the campaign."""
        if (compact := _compact(result.request_id)) in self.ids:
            return False
        self.ids.add(compact)
        if self.listed is not None and compact not in self.listed:
            self.strays += 1
            self.stray_ids += [result.request_id] if self.strays <= NAMED else []
            return False
        self.digest.add(result.request_id.encode())
        self.statuses[result.status] += 1
        self.audio_seconds += result.renditions[0].duration if result.renditions else 0.0
        # Partitions are read one after the other, so that a later record may be an earlier one.
        self.first_ms = min(self.first_ms or timestamp_ms, timestamp_ms)
        self.last_ms = max(self.last_ms, timestamp_ms)
        return True

    def is_certain(self, campaign: Campaign) -> bool:
        """Return False if the ids are not those of the list, though as many have a result."""
        staged, finished = campaign.staged, self.statuses.total()
        if staged is None or self.listed is not None or finished < (campaign.accepted or 0):
            return True
        return self.digest.hex() == staged.ids_digest


class Outcomes:
    """Reads the results topic from its beginning and follows it.

    Counts the campaigns that are named, or all if none is.
    """

    def __init__(self, settings: Settings, read_ids: ReadIds, *campaigns: str) -> None:
        self._settings, self._read_ids, self._only = settings, read_ids, frozenset(campaigns)
        self._reader = TopicReader(settings, settings.topic(RESULTS))
        self._tallies: dict[str | None, _Tally] = {}

    def __enter__(self) -> "Outcomes":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()

    @property
    def caught_up(self) -> bool:
        return self._reader.caught_up

    def catch_up(self) -> None:
        for record in self._reader.to_end():
            self._take(record)

    def tell_strays_apart(self, campaign: Campaign) -> None:
        """Read the ids of the campaign's list, once. If strays are counted, count from the start.

        Raises what reading the list does.
        """
        if campaign.staged is None:
            return
        tally = self._tallies.setdefault(campaign.campaign_id, _Tally())
        if tally.listed is not None:
            return
        tally.listed = frozenset(map(_compact, self._read_ids(campaign)))
        if not tally.ids <= tally.listed:
            self._count_again()

    def _count_again(self) -> None:
        """Forget what was counted, but not the lists."""
        self._tallies = {name: _Tally(each.listed) for name, each in self._tallies.items()}
        self._reader.close()
        self._reader = TopicReader(self._settings, self._settings.topic(RESULTS))

    def poll(self, timeout: float) -> list[SpeechResult]:
        """Return the first results of requests that arrived within `timeout` seconds."""
        records = self._reader.poll(timeout)
        found = [result for record in records if (result := self._take(record))]
        if self._reader.caught_up:
            follow_batched(self._reader)
        return found

    def progress(self, campaign: Campaign) -> Progress:
        tally = self._tallies.get(campaign.campaign_id, _Tally())
        seconds = (tally.last_ms - tally.first_ms) / 1000
        return Progress(
            accepted=campaign.accepted,
            succeeded=tally.statuses["succeeded"],
            failed=tally.statuses["failed"],
            expired=tally.statuses["expired"],
            cancelled=tally.statuses["cancelled"],
            audio_seconds=tally.audio_seconds,
            rate=tally.statuses.total() / seconds if seconds > 0 else None,
            strays=tally.strays,
            stray_ids=tuple(tally.stray_ids),
            certain=tally.is_certain(campaign),
        )

    def ended(self, campaign: Campaign) -> bool:
        """Return True if no further outcome is expected.

        A campaign of events that was cancelled has no list to wait for. Reads the list's ids if as
        many requests have a result as it has, and others than its own: raises what that does.
        """
        if not self.caught_up:
            return False
        progress = self.progress(campaign)
        if not progress.certain:
            self.tell_strays_apart(campaign)
            return False
        return progress.complete or (campaign.state == "cancelled" and campaign.accepted is None)

    def _take(self, record: Record) -> SpeechResult | None:
        result = decode_readable(record)
        if result is None or (self._only and result.campaign_id not in self._only):
            return None
        tally = self._tallies.setdefault(result.campaign_id, _Tally())
        return result if tally.take(result, record.timestamp_ms) else None


def follow_batched(reader: TopicReader) -> None:
    """Let results come in batches. Where no client can be made just now the next call does it."""
    try:
        reader.follow(BATCHED)
    except Retryable as error:
        log.warning("unavailable", boundary="broker", problem=str(error))


def decode_readable(record: Record) -> SpeechResult | None:
    """Return the result of a record; log an unreadable record and return None."""
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


class Seen:
    """Request ids seen so far, by the day of their records.

    Days beyond the topic's retention are dropped, so the size is bounded. An id that comes again
    after that counts as new.
    """

    def __init__(self) -> None:
        self._days: dict[int, set[int]] = {}
        self._latest = 0

    def first(self, request_id: str, timestamp_ms: int) -> bool:
        """Return True if the id was not seen before, and remember it."""
        compact = _compact(request_id)
        # A producer's clock that is ahead must not make the other ids old.
        day = min(timestamp_ms, int(time.time() * 1000)) // DAY
        if any(compact in ids for ids in self._days.values()):
            return False
        if day > self._latest:
            self._latest = day
            self._days = {known: ids for known, ids in self._days.items() if known > day - KEPT}
        self._days.setdefault(day, set()).add(compact)
        return True


def _compact(request_id: str) -> int:
    """Hash an id to 64 bits: 70 bytes per request in a set, half of what the id itself takes.

    The hash is of this process alone. Two of a million requests collide once in 40 million
    campaigns.
    """
    return hash(request_id)
