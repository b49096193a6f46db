"""A row of a staged list, and what the feeder has to know of it."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from seedcast.kafka import Partition
from seedcast.producers.feeder.policy.cost import Measure, measure
from seedcast.producers.request_topics import Place, RequestTopics
from seedcast.schemas.messages import SpeechRequest
from seedcast.storage.staged_lists import StagedRow


@dataclass(frozen=True, slots=True)
class Row:
    request_id: str
    value: bytes  # the request as JSON
    place: Place
    partition: Partition
    measure: Measure
    # Whether its campaign is cancelled by now: then it ends at once, whatever its text.
    is_cancelled: Callable[[], bool]


def prepare(staged: StagedRow, topics: RequestTopics, is_cancelled: Callable[[], bool]) -> Row:
    place, spoken = topics.place(staged), _spoken.decode(staged.value)
    return Row(
        staged.request_id,
        staged.value,
        place,
        Partition(place.topic, place.partition),
        measure(spoken.text, staged.voice_seed, spoken.speed),
        is_cancelled,
    )


class _Spoken(msgspec.Struct):
    """What the cost of a request depends on: to decode all of it takes three times as long."""

    text: str
    speed: float = 1.0


_spoken = msgspec.json.Decoder(_Spoken)


def measure_of(request: SpeechRequest) -> Measure:
    return measure(request.text, request.voice_seed, request.speed)
