"""A client that has lost all its brokers is told from one whose brokers are away, and replaced."""

import json

import pytest
from confluent_kafka import TopicPartition

from seedcast.errors import BrokerUnavailable, Retryable, SeedcastError
from seedcast.kafka import GroupConsumer, Offsets, Partition, Producer
from seedcast.kafka.lost_brokers import LOST_AFTER, LostBrokers
from seedcast.settings import Settings

PLACE = Partition("t", 3)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def statistics(*brokers: tuple[str, str, str]) -> str:
    """What librdkafka 2.16.0 reported, less the counters."""
    named = {name: {"name": name, "source": source, "state": s} for name, source, s in brokers}
    return json.dumps({"name": "c#consumer-1", "type": "consumer", "brokers": named})


# Recorded from clients of a real broker that was stopped, and from one that never came back.
COORDINATOR = ("GroupCoordinator", "logical", "UP")
UNCONNECTED = ("GroupCoordinator", "logical", "INIT")
STEADY = statistics(("127.0.0.1:41537/1", "learned", "UP"), COORDINATOR)
AWAY = statistics(("127.0.0.1:41537/bootstrap", "configured", "INIT"), UNCONNECTED)
BACK = statistics(("127.0.0.1:41537/1", "learned", "INIT"), UNCONNECTED)
DOWN = statistics(("127.0.0.1:41537/1", "learned", "DOWN"), UNCONNECTED)
LOST = statistics(("GroupCoordinator", "logical", "TRY_CONNECT"))


@pytest.mark.parametrize("seen", [STEADY, AWAY, BACK, DOWN])
def test_brokers_that_are_away_are_not_lost_however_long(seen: str) -> None:
    clock = Clock()
    brokers = LostBrokers(clock)
    for _ in range(100):
        brokers(seen)
        assert not brokers.lost
        clock.now += LOST_AFTER


def test_brokers_are_lost_once_none_has_been_known_for_a_while() -> None:
    clock = Clock()
    brokers = LostBrokers(clock)
    brokers(LOST)
    assert not brokers.lost
    clock.now += LOST_AFTER
    brokers(LOST)
    assert brokers.lost


def test_brokers_that_are_known_again_meanwhile_are_not_lost() -> None:
    clock = Clock()
    brokers = LostBrokers(clock)
    brokers(LOST)
    clock.now += LOST_AFTER
    brokers(AWAY)
    brokers(LOST)
    assert not brokers.lost


def test_a_client_that_has_lost_its_brokers_is_replaced_and_no_longer_heard() -> None:
    clock = Clock()
    outcomes: list[tuple[Offsets, SeedcastError | None]] = []
    consumer = GroupConsumer(
        Settings(),
        "g",
        ["t"],
        on_assign=lambda _: None,
        on_revoke=lambda _: pytest.fail("the old client may commit nothing any more"),
        on_lost=lambda _: pytest.fail("nothing was owned"),
        on_commit=lambda *outcome: outcomes.append(outcome),
    )
    old, revoke = consumer._client, consumer._guard(consumer._revoke)
    consumer._committing = True  # its outcome would never be told
    consumer._brokers = LostBrokers(clock)
    consumer._brokers(LOST)
    assert not list(consumer.poll(1)), "nobody answers here"
    assert consumer._client is old
    clock.now += LOST_AFTER
    assert not list(consumer.poll(1))
    assert consumer._client is not old
    [(offsets, error)] = outcomes
    assert not offsets
    assert isinstance(error, BrokerUnavailable)
    revoke(old, [TopicPartition(PLACE.topic, PLACE.number)])
    consumer.close()


def test_a_producer_that_has_lost_its_brokers_is_renewed_and_reports_what_it_had() -> None:
    clock = Clock()
    errors: list[SeedcastError | None] = []
    producer = Producer(Settings())
    producer.send("t", key=b"key", value=b"value", on_delivery=errors.append)
    producer._brokers = LostBrokers(clock)
    producer._brokers(LOST)
    producer.poll()
    assert not errors
    clock.now += LOST_AFTER
    producer.poll()
    [error] = errors
    assert isinstance(error, Retryable)
    assert not producer.outstanding
    producer.send("t", key=b"key", value=b"value", on_delivery=errors.append)
    producer.poll()
    assert producer.outstanding == 1
    producer.abandon()
