"""Read a campaign's records from the topics into the database of an audit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seedcast.campaigns.requests import REQUESTS_TOPICS
from seedcast.codec import decode_request, decode_result, rejection
from seedcast.errors import InvalidRequest, Undecodable
from seedcast.kafka import Partition, Record, TopicReader
from seedcast.schemas.messages import SpeechResult
from seedcast.schemas.topics import AUDIO, AUDIO_URGENT, DEAD_LETTERS, RESULTS, Topic
from seedcast.settings import Settings
from seedcast.storage.audit.committed import CommittedOffsets, Logs
from seedcast.storage.audit.database import Database, RecordPosition
from seedcast.storage.dead_letters import parse

POLL = 0.05  # seconds


@dataclass(frozen=True)
class Progress:
    """How far one step of the audit is, in records, rows or objects."""

    step: str
    done: int
    total: int | None = None  # None: not known


OnProgress = Callable[[Progress], None]


class Collector:
    """Reads one campaign's records from the topics of one deployment."""

    def __init__(
        self,
        settings: Settings,
        campaign_id: str,
        database: Database,
        committed: CommittedOffsets,
        logs: Logs,
        on_progress: OnProgress,
    ) -> None:
        self._settings, self._campaign, self._database = settings, campaign_id, database
        self._committed, self._logs, self._on_progress = committed, logs, on_progress
        self.unreadable = 0  # records of the results topic that are not results
        # Timestamp of each partition's first result, in milliseconds since the epoch.
        self._oldest: dict[Partition, int] = {}

    def read_results(self) -> None:
        """Read the results of the campaign, and results whose campaign id was unreadable."""
        for records in self._batches("results", RESULTS):
            for record in records:
                self._oldest.setdefault(record.partition, record.timestamp_ms)
            results = [result for record in records if (result := self._result(record))]
            self._database.add_results(
                [result for result in results if result.campaign_id in (self._campaign, None)]
            )

    def read_requests(self) -> None:
        for topic in REQUESTS_TOPICS:
            for records in self._batches("requests", topic):
                self._database.add_requests(
                    self._position(record, request_id, topic)
                    for record in records
                    if (request_id := self._request_id(record.value))
                )

    def read_audio(self) -> None:
        """Find the audio of unaccounted requests.

        First read what the post-process group has not taken: most of that audio is there. Read the
        topics whole only for requests that are then still without audio.
        """
        for whole in (False, True):
            for topic in (AUDIO, AUDIO_URGENT):
                if self._database.count("SELECT * FROM unaccounted WHERE audio_position IS NULL"):
                    self._read_audio(topic, whole)

    def read_dead_letters(self) -> None:
        """Find dead letters of unaccounted requests: audio that could not be read."""
        if self._database.count("SELECT * FROM unaccounted WHERE audio_unread IS NOT 1"):
            for records in self._batches("dead letters", DEAD_LETTERS):
                self._database.add_dead_letters(
                    letter for record in records if (letter := self._dead_letter(record))
                )

    @property
    def horizon_ms(self) -> int:
        """Results older than this moment may have been deleted; 0: none have."""
        return max(
            (self._oldest.get(gap.partition, _NEVER) for gap in self._logs.gaps(RESULTS)), default=0
        )

    def _read_audio(self, topic: Topic, whole: bool) -> None:
        for records in self._batches("audio", topic, whole=whole):
            self._database.add_audio(
                self._position(record, request_id, topic)
                for record in records
                if (request_id := _key(record))
            )

    def _batches(self, step: str, topic: Topic, *, whole: bool = True) -> Iterator[list[Record]]:
        """Yield the topic's records up to its present end.

        Start at its beginning, or, unless `whole`, at the offsets that its group has committed.
        """
        done, total, name = 0, self._logs.records(topic), self._settings.topic(topic)
        starts = {} if whole else self._committed.watermarks(name)
        with TopicReader(self._settings, name, starts) as reader:
            while not reader.caught_up:
                if records := reader.poll(POLL):
                    yield records
                    done += len(records)
                    self._on_progress(Progress(step, done, total if whole else None))

    def _position(self, record: Record, request_id: str, topic: Topic) -> RecordPosition:
        done = self._committed.is_done(record.partition, record.offset)
        return RecordPosition(
            request_id,
            topic.name,
            record.partition.number,
            record.offset,
            record.timestamp_ms,
            unread=not done,
        )

    def _dead_letter(self, record: Record) -> tuple[str, str] | None:
        """Return its position and request id, which is the key of a record of the audio topics.

        None if it came from another topic, or is not a dead letter of ours.
        """
        try:
            source = parse(record).topic
        except Undecodable:
            return None
        if source not in (self._settings.topic(AUDIO), self._settings.topic(AUDIO_URGENT)):
            return None
        position = f"{DEAD_LETTERS.name}[{record.partition.number}]@{record.offset}"
        return position, _key(record)

    def _request_id(self, value: bytes) -> str | None:
        """Return the request's id; None if it is another campaign's, or unreadable."""
        try:
            request = decode_request(value)
        except InvalidRequest as error:
            rejected = rejection(value, error)
            return rejected.request_id if rejected.campaign_id == self._campaign else None
        except Undecodable:
            return None
        return request.request_id if request.campaign_id == self._campaign else None

    def _result(self, record: Record) -> SpeechResult | None:
        try:
            return decode_result(record.value)
        except Undecodable:
            self.unreadable += 1
            return None


_NEVER = 2**63 - 1  # the partition has no result left


def _key(record: Record) -> str:
    return (record.key or b"").decode(errors="replace")
