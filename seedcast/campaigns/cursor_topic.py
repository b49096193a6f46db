"""The compacted topic of the feeder's cursors: how far each list is fed, and whose term it is."""

from collections.abc import Sequence

import structlog

from seedcast.codec import decode_feeder_record, encode_json
from seedcast.errors import BrokerUnavailable, SeedcastError, Undecodable
from seedcast.kafka import Producer, Record, TopicFollower, TopicReader
from seedcast.schemas.messages import Campaign, Cursor, FeederTerm
from seedcast.schemas.topics import CURSORS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

TERM_KEY = b"_feeder"  # no campaign id begins with an underscore


def rows_fed(cursor: Cursor | None) -> int:
    """Return how many rows a cursor calls fed."""
    return cursor.fed - len(cursor.unfed) if cursor else 0


class CursorTable:
    """What the topic says; `records` holds the cursor of every campaign known so far, by id."""

    def __init__(self) -> None:
        self.records: dict[str, Cursor] = {}
        self.term: FeederTerm | None = None
        # Campaigns whose latest record is that of a feeder whose term is over. Compaction keeps
        # only the latest record, so the cursor has to be written again.
        self.outdated: set[str] = set()

    def fed(self, campaign: Campaign) -> int:
        """Return how many rows of the campaign's list are fed."""
        return rows_fed(self.of(campaign))

    def of(self, campaign: Campaign) -> Cursor | None:
        """Return the cursor of the campaign's list, if it has one by now."""
        cursor = self.records.get(campaign.campaign_id)
        staging = campaign.staged.staging if campaign.staged else None
        return cursor if cursor and cursor.staging == staging else None

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Take over the next record. Raises Undecodable."""
        if not value:
            self._remove((key or b"").decode(errors="replace"))
            return
        message = decode_feeder_record(value)
        if isinstance(message, Cursor):
            self._move(message)
        elif self.term is None or message.generation > self.term.generation:
            self.term = message  # the first of its generation

    def _move(self, cursor: Cursor) -> None:
        known = self.records.get(cursor.campaign_id)
        if known and cursor.generation < known.generation:
            self.outdated.add(cursor.campaign_id)
            return
        self.outdated.discard(cursor.campaign_id)
        self.records[cursor.campaign_id] = cursor

    def _remove(self, campaign_id: str) -> None:
        self.records.pop(campaign_id, None)
        self.outdated.discard(campaign_id)


class Cursors(CursorTable, TopicFollower):
    """Follows the topic."""

    def __init__(self, settings: Settings) -> None:
        CursorTable.__init__(self)
        TopicFollower.__init__(self, TopicReader(settings, settings.topic(CURSORS)))

    def poll(self, timeout: float = 0.0) -> None:
        """Take what arrives within `timeout` seconds. Raises Fatal errors."""
        for record in self._reader.poll(timeout):
            self._take(record)

    def _take(self, record: Record) -> None:
        try:
            self.apply(record.key, record.value)
        except Undecodable as error:
            log.warning("cursor_unreadable", offset=record.offset, problem=str(error))


def read_cursors(settings: Settings) -> Cursors:
    """Return the cursors as they are now."""
    with Cursors(settings) as cursors:
        cursors.catch_up()
        return cursors


def write_feeder_records(
    producer: Producer,
    settings: Settings,
    records: Sequence[Cursor | FeederTerm],
    timeout: float = 30.0,
) -> None:
    """Write records, acknowledged. Raises the broker's error; BrokerUnavailable after `timeout`."""
    outcomes, topic = list[SeedcastError | None](), settings.topic(CURSORS)
    for record in records:
        key = record.campaign_id.encode() if isinstance(record, Cursor) else TERM_KEY
        producer.send(topic, key=key, value=encode_json(record), on_delivery=outcomes.append)
    if records:
        producer.flush(timeout)
    if len(outcomes) < len(records):
        raise BrokerUnavailable(
            f"producing to {topic}",
            expected=f"an acknowledgement within {timeout:g} s",
            got="none yet",
        )
    if error := next(filter(None, outcomes), None):
        producer.refresh(topic)  # it may be a right, which will be restored
        raise error
