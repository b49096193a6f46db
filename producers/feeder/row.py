"""A row of a staged list, and what the feeder has to know of it."""

from dataclasses import dataclass

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


def prepare(staged: StagedRow, topics: RequestTopics) -> Row:
    request = staged.request
    place = topics.place(request)
    return Row(
        request.request_id,
        staged.value,
        place,
        Partition(place.topic, place.partition),
        measure_of(request),
    )


def measure_of(request: SpeechRequest) -> Measure:
    return measure(request.text, request.voice_seed, request.speed)
