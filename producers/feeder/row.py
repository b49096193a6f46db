"""A row of a staged list, and what the feeder has to know of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

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
    deadline: float  # seconds since 1970; infinity: none
    is_cancelled: Callable[[], bool]  # whether its campaign is cancelled by now

    def ends_unspoken(self, now: float) -> bool:
        """Return True if a worker ends it at once, whatever its text."""
        return now > self.deadline or self.is_cancelled()


def prepare(staged: StagedRow, topics: RequestTopics, is_cancelled: Callable[[], bool]) -> Row:
    place, spoken = topics.place(staged), _spoken.decode(staged.value)
    return Row(
        staged.request_id,
        staged.value,
        place,
        Partition(place.topic, place.partition),
        measure(spoken.text, staged.voice_seed, spoken.speed),
        spoken.deadline.timestamp() if spoken.deadline else math.inf,
        is_cancelled,
    )


class _Spoken(msgspec.Struct):
    """What the cost of a request depends on: to decode all of it takes three times as long."""

    text: str
    speed: float = 1.0
    deadline: datetime | None = None


_spoken = msgspec.json.Decoder(_Spoken)


def measure_of(request: SpeechRequest) -> Measure:
    return measure(request.text, request.voice_seed, request.speed)
