"""A reader reads a topic to its end, and then follows it at little cost.

A refusal ends one that reads for the first time, and none that follows.
"""

from unittest.mock import Mock, call

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from seedcast.errors import AccessDenied
from seedcast.kafka import TopicReader, topic_reader
from seedcast.kafka.client_config import BATCHED
from seedcast.kafka.topic_reader import BATCH
from seedcast.settings import Settings

REFUSED = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
END = KafkaError(KafkaError._PARTITION_EOF)


def event(error: KafkaError) -> Mock:
    return Mock(
        **{"error.return_value": error, "partition.return_value": 0, "offset.return_value": 7}
    )


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Mock:
    made = Mock()
    monkeypatch.setattr(topic_reader, "Consumer", lambda *_, **__: made)
    monkeypatch.setattr(TopicReader, "_partitions", lambda _: [0])
    return made


def test_a_refusal_before_the_end_is_fatal(client: Mock) -> None:
    client.consume.return_value = [event(REFUSED)]
    with pytest.raises(AccessDenied, match=r"expected Read on Topic night\.campaigns"):
        TopicReader(Settings(), "night.campaigns").poll(0)


def test_a_refusal_after_the_end_is_waited_out_also_by_a_follower(client: Mock) -> None:
    client.consume.side_effect = [[event(END)], [event(REFUSED)], [event(REFUSED)]]
    reader = TopicReader(Settings(), "night.campaigns")
    assert reader.poll(0) == []
    with capture_logs() as logged:
        assert reader.poll(0) == []
        reader.follow()
        assert reader.poll(0) == []  # it has met no end again yet
    assert [line["event"] for line in logged] == ["kafka_reader", "kafka_reader"]


def test_a_follower_goes_on_from_the_end_and_asks_less_often(
    client: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Mock(return_value=client)
    monkeypatch.setattr(topic_reader, "Consumer", made)
    client.consume.return_value = [event(END)]
    reader = TopicReader(Settings(), "night.campaigns")
    reader.poll(0)
    for _ in range(2):  # the second time it follows already
        reader.follow(BATCHED)
    waits = [each.args[0]["fetch.wait.max.ms"] for each in made.call_args_list]
    assert (waits, client.close.call_count) == ([50, BATCHED.wait_ms], 1)
    [place] = client.assign.call_args.args[0]
    assert (place.partition, place.offset, reader.caught_up) == (0, 7, True)


def test_at_once_the_first_record_ends_the_wait_and_those_that_are_there_come_along(
    client: Mock,
) -> None:
    client.consume.return_value = []
    TopicReader(Settings(), "night.results.urgent").poll(5, at_once=True)
    assert client.consume.call_args_list == [call(1, 5), call(BATCH, 0)]
