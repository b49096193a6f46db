"""The topics, read into the state of an audit."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from schemas.messages import SpeechResult
from schemas.topics import AUDIO, AUDIO_URGENT, DEAD_LETTERS, RESULTS, Topic
from seedcast.campaigns.requests import ACCEPTING
from seedcast.codec import decode_request, decode_result, rejection
from seedcast.errors import InvalidRequest, Undecodable
from seedcast.kafka import Partition, Record, TopicReader
from seedcast.settings import Settings
from storage.audit.committed import CommittedOffsets, Logs
from storage.audit.database import Database, Place
from storage.dead_letters import parse

POLL = 0.05  # seconds
BATCH = 1000  # rows of the list


@dataclass(frozen=True)
class Progress:
    step: str
    done: int
    total: int | None = None  # None: not known


OnProgress = Callable[[Progress], None]


class Collector:
    """One campaign's records on the topics of one deployment."""

    def __init__(
        self,
        settings: Settings,
        campaign_id: str,
        state: Database,
        passed: CommittedOffsets,
        logs: Logs,
        on_progress: OnProgress,
    ) -> None:
        self._settings, self._campaign, self._state = settings, campaign_id, state
        self._passed, self._logs, self._on_progress = passed, logs, on_progress
        self.unreadable = 0  # records of the results topic
        self._oldest: dict[
            Partition, int
        ] = {}  # milliseconds since the epoch, of each partition's first result

    def results(self) -> None:
        for records in self._batches("results", RESULTS):
            for record in records:
                self._oldest.setdefault(record.partition, record.timestamp_ms)
            results = [result for record in records if (result := self._result(record))]
            self._state.add_results(
                [result for result in results if result.campaign_id in (self._campaign, None)]
            )

    def requests(self) -> None:
        for topic in ACCEPTING:
            for records in self._batches("requests", topic):
                self._state.add_requests(
                    self._place(record, name, topic)
                    for record in records
                    if (name := self._request_id(record.value))
                )

    def expected(self, rows: Iterable[tuple[int, str]]) -> None:
        """What the list has, by row number and request id."""
        rows, done = iter(rows), 0
        while batch := list(islice(rows, BATCH)):
            self._state.add_expected(batch)
            done += len(batch)
            self._on_progress(Progress("list", done))

    def audio(self) -> None:
        """What the post-process group has not taken yet comes first: most suspects are there. The rest is read only for those that are not."""
        for whole in (False, True):
            for topic in (AUDIO, AUDIO_URGENT):
                if self._state.count("SELECT * FROM suspect WHERE audio IS NULL"):
                    for records in self._batches("audio", topic, whole=whole):
                        self._state.add_audio(
                            self._place(record, key, topic)
                            for record in records
                            if (key := _key(record))
                        )

    def letters(self) -> None:
        """Audio that could not be read: its record's key is the request's id."""
        if self._state.count("SELECT * FROM suspect WHERE audio_open IS NOT 1"):
            for records in self._batches("letters", DEAD_LETTERS):
                self._state.add_letters(
                    letter for record in records if (letter := self._letter(record))
                )

    @property
    def horizon_ms(self) -> int:
        """Results from before this moment may have been deleted; 0: none have."""
        return max(
            (self._oldest.get(gap.partition, _NEVER) for gap in self._logs.gaps(RESULTS)), default=0
        )

    def _batches(self, step: str, topic: Topic, *, whole: bool = True) -> Iterator[list[Record]]:
        """The topic up to where it ends now; from its beginning, or from what its group has committed."""
        done, total, name = 0, self._logs.records(topic), self._settings.topic(topic)
        starts = {} if whole else self._passed.watermarks(name)
        with TopicReader(self._settings, name, starts) as reader:
            while not reader.caught_up:
                if records := reader.poll(POLL):
                    yield records
                    done += len(records)
                    self._on_progress(Progress(step, done, total if whole else None))

    def _place(self, record: Record, request_id: str, topic: Topic) -> Place:
        done = self._passed.has(record.partition, record.offset)
        return Place(
            request_id,
            topic.name,
            record.partition.number,
            record.offset,
            record.timestamp_ms,
            open=not done,
        )

    def _letter(self, record: Record) -> tuple[str, str] | None:
        """Its place and a request id; None of what came from elsewhere, or is no letter of ours."""
        try:
            source = parse(record).topic
        except Undecodable:
            return None
        place = f"{DEAD_LETTERS.name}[{record.partition.number}]@{record.offset}"
        return (
            (place, _key(record))
            if source in (self._settings.topic(AUDIO), self._settings.topic(AUDIO_URGENT))
            else None
        )

    def _request_id(self, value: bytes) -> str | None:
        """None where it is another campaign's, or has no readable id: that is a dead letter."""
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


_NEVER = 2**63 - 1  # no result of that partition is left


def _key(record: Record) -> str:
    return (record.key or b"").decode(errors="replace")
