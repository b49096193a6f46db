"""Where a request goes: the same topic, key and partition for whoever sends it."""

from seedcast.kafka import partitioner
from seedcast.producers.request_topics import Place, RequestTopics
from seedcast.settings import KafkaSettings, Settings
from tests.builders.requests import a_request, numbered

PARTITIONS = {"seedcast.requests": 8, "seedcast.requests.urgent": 2}


def test_a_place_never_changes() -> None:
    topics = RequestTopics(Settings(), PARTITIONS)
    assert topics.place(a_request()) == Place("seedcast.requests", b"2222", 2)
    urgent = Place("seedcast.requests.urgent", b"2222", 0)
    assert topics.place(a_request(priority="urgent")) == urgent


def test_the_spread_is_the_callers_or_else_the_settings() -> None:
    def used(settings: Settings, spread: int | None = None) -> int:
        topics = RequestTopics(settings, PARTITIONS, spread)
        return len({topics.place(numbered(n, speed=1.0)).partition for n in range(0, 800, 4)})

    narrow = Settings(kafka=KafkaSettings(spread=1))
    assert [used(Settings()), used(narrow), used(Settings(), 3), used(narrow, 0)] == [8, 1, 3, 8]


def test_the_partition_is_that_of_the_partitioner() -> None:
    place = RequestTopics(Settings(), PARTITIONS, 3).place(a_request())
    assert place.partition == partitioner.partition(place.key, b"request-1", 3, 8)
