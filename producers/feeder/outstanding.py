"""What an earlier feeder has fed and has no result yet, read from the topics."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from seedcast.codec import decode_request, decode_synthesis
from seedcast.errors import Poison
from seedcast.kafka import GroupOffsets, Partition, Record, TopicReader
from seedcast.producers.request_topics import RequestTopics
from seedcast.schemas.messages import RawAudio, SpeechRequest
from seedcast.schemas.topics import GPU_CONSUMERS, LANES, POSTPROCESS, RESULTS
from seedcast.settings import Settings
from seedcast.storage.audit.committed import CommittedOffsets


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request without a result, as far as the topics tell."""

    request: SpeechRequest
    partition: Partition  # of the requests topic
    offset: int | None  # there; None for what is audio by now
    timestamp_ms: int


def read_waiting(
    settings: Settings, topics_of: Callable[[SpeechRequest], RequestTopics | None]
) -> list[Waiting]:
    """Return the requests that a group has not committed yet; results that came since are theirs.

    `topics_of`: None for a request that no list has. Raises the broker's errors.
    """
    offsets = GroupOffsets(settings)
    groups = (settings.group(group.name) for group in (GPU_CONSUMERS, POSTPROCESS))
    committed = {p: c for group in groups for p, c in offsets.committed(group).items()}
    done = CommittedOffsets(committed)
    waiting = list[Waiting]()
    for lane in LANES.values():
        for record in _unread(settings, settings.topic(lane.requests), done):
            with suppress(Poison):
                request = decode_request(record.value)
                if topics_of(request):
                    waiting.append(
                        Waiting(request, record.partition, record.offset, record.timestamp_ms)
                    )
        for record in _unread(settings, settings.topic(lane.audio), done):
            with suppress(Poison):
                synthesis = decode_synthesis(record.value)
                if isinstance(synthesis, RawAudio) and (topics := topics_of(synthesis.request)):
                    place = topics.place(synthesis.request)
                    partition = Partition(place.topic, place.partition)
                    waiting.append(Waiting(synthesis.request, partition, None, record.timestamp_ms))
    return waiting


def results_since(settings: Settings, waiting: list[Waiting]) -> TopicReader:
    """Return a reader of every result that one of these may have."""
    name = settings.topic(RESULTS)
    earliest = min((each.timestamp_ms for each in waiting), default=None)
    offsets = GroupOffsets(settings)
    if earliest is None:
        starts = {p.number: end for p, (_, end) in offsets.bounds([name]).items()}
    else:
        starts = {p.number: at for p, at in offsets.first_since([name], earliest / 1000).items()}
    return TopicReader(settings, name, starts)


def _unread(settings: Settings, topic: str, done: CommittedOffsets) -> Iterator[Record]:
    with TopicReader(settings, topic, done.watermarks(topic)) as reader:
        for record in reader.to_end():
            if not done.is_done(record.partition, record.offset):
                yield record
