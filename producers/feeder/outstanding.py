"""What an earlier feeder has fed and has no result yet, read from the topics."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seedcast.codec import decode_request, decode_synthesis
from seedcast.errors import Poison
from seedcast.kafka import GroupOffsets, Partition, Record, TopicReader
from seedcast.producers.feeder.policy.cost import Measure
from seedcast.producers.feeder.row import measure_of
from seedcast.producers.request_topics import RequestTopics
from seedcast.schemas.messages import RawAudio, SpeechRequest
from seedcast.schemas.topics import GPU_CONSUMERS, LANES, POSTPROCESS, RESULTS
from seedcast.settings import Settings
from seedcast.storage.audit.committed import CommittedOffsets

TopicsOf = Callable[[SpeechRequest], RequestTopics | None]

# Seconds of results that are read besides: clocks differ, and what the last feeder has fed after
# its last checkpoint may have ended by now.
LOOK_BACK = 120.0
LOOK = 1000  # records between two looks whether to go on


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request without a result, as far as the topics tell. Its text is not kept."""

    request_id: str
    campaign_id: str
    measure: Measure
    partition: Partition  # of the requests topic
    record: tuple[Partition, int]  # where it was read, and its offset: on requests, or on audio
    timestamp: float  # of that record: seconds since the epoch


def read_waiting(
    settings: Settings, topics_of: TopicsOf, goes_on: Callable[[], bool]
) -> Iterator[Waiting]:
    """Yield the requests that a group has not committed yet; results that came since are theirs.

    Ends early where `goes_on` says so. `topics_of`: None for a request that no list has. Raises
    the broker's errors.
    """
    done = committed_offsets(settings, GroupOffsets(settings))
    for lane in LANES.values():
        for topic in (lane.requests, lane.audio):
            for record in _unread(settings, settings.topic(topic), done, goes_on):
                request = _request_of(record, is_audio=topic is lane.audio)
                if request and (topics := topics_of(request)):
                    place = topics.place(request)
                    yield Waiting(
                        request.request_id,
                        request.campaign_id,
                        measure_of(request),
                        Partition(place.topic, place.partition),
                        (record.partition, record.offset),
                        record.timestamp_ms / 1000,
                    )


def results_since(settings: Settings, moment: float) -> TopicReader:
    """Return a reader of the results that came since LOOK_BACK before then."""
    name = settings.topic(RESULTS)
    starts = GroupOffsets(settings).first_since([name], moment - LOOK_BACK)
    return TopicReader(settings, name, {p.number: offset for p, offset in starts.items()})


def committed_offsets(settings: Settings, offsets: GroupOffsets) -> CommittedOffsets:
    """Return what the GPU consumers and post-processing have committed. Raises broker's errors."""
    groups = (settings.group(group.name) for group in (GPU_CONSUMERS, POSTPROCESS))
    return CommittedOffsets({p: c for group in groups for p, c in offsets.committed(group).items()})


def _request_of(record: Record, *, is_audio: bool) -> SpeechRequest | None:
    """Return None for what cannot be read, and for what has failed: its result comes."""
    try:
        if not is_audio:
            return decode_request(record.value)
        synthesis = decode_synthesis(record.value)
    except Poison:  # a dead letter, which the workers write
        return None
    return synthesis.request if isinstance(synthesis, RawAudio) else None


def _unread(
    settings: Settings, topic: str, done: CommittedOffsets, goes_on: Callable[[], bool]
) -> Iterator[Record]:
    with TopicReader(settings, topic, done.watermarks(topic)) as reader:
        for record in while_it(goes_on, reader.to_end()):
            if not done.is_done(record.partition, record.offset):
                yield record


def while_it(goes_on: Callable[[], bool], records: Iterator[Record]) -> Iterator[Record]:
    """Ask now and then: there may be a million of them, and the group waits for its members."""
    for number, record in enumerate(records):
        if number % LOOK == 0 and not goes_on():
            return
        yield record
