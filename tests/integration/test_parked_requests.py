"""Requests that an older version has parked: a GPU consumer refuses to start beside them."""

from contextlib import closing

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewTopic

from seedcast.errors import TopicMismatch
from seedcast.gpu_consumers.parked_requests import GROUP, TOPIC, refuse_parked
from seedcast.kafka import client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.schemas.topics import Topic
from seedcast.settings import Settings
from tests.builders.deployments import Spawn
from tests.builders.topics import delete, send
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

PARKED = Topic(TOPIC, "campaign id", "SpeechRequest (JSON)", "as the older version made it")


@pytest.fixture
def parked(settings: Settings) -> Settings:
    """Return a deployment with five parked requests: three in one partition, two in another."""
    client = AdminClient(client_config.client(settings.kafka))
    topic = NewTopic(settings.topic(PARKED), num_partitions=2, replication_factor=1)
    for made in client.create_topics([topic]).values():
        made.result(30)
    two = settings.kafka.model_copy(update={"partitions": 2})
    records = [(b"night", b"%d" % number) for number in range(5)]
    send(settings.model_copy(update={"kafka": two}), PARKED, records, in_turn=True)
    return settings


def put_back(settings: Settings, *offsets: int) -> None:
    """Commit as the older version's workers do; `offsets` are by partition."""
    config = client_config.consumer(settings.kafka, settings.group(GROUP))
    places = [TopicPartition(settings.topic(PARKED), *place) for place in enumerate(offsets)]
    with closing(Consumer(config)) as client:
        client.commit(offsets=places, asynchronous=False)


def test_without_that_topic_nothing_is_refused(settings: Settings) -> None:
    refuse_parked(settings)


def test_a_worker_ends_and_says_how_many_requests_are_parked_and_what_to_do(
    parked: Settings, seedcast: Spawn
) -> None:
    put_back(parked, 1, 0)
    worker = seedcast(["run", "gpu-consumer"], parked)
    eventually(lambda: worker.poll() is not None, what="the end of the worker")
    assert worker.poll() == 3
    with pytest.raises(TopicMismatch, match=r"requests\.parked .*; got 4; run GPU consumers of"):
        refuse_parked(parked)


def test_a_topic_that_was_put_back_whole_is_ignored(parked: Settings) -> None:
    with pytest.raises(TopicMismatch, match="got 5;"):
        refuse_parked(parked)
    put_back(parked, 3, 1)
    with pytest.raises(TopicMismatch, match="got 1;"):
        refuse_parked(parked)
    put_back(parked, 3, 2)
    refuse_parked(parked)


def test_parked_requests_that_retention_has_deleted_refuse_nobody(parked: Settings) -> None:
    put_back(parked, 1)
    assert delete(parked, PARKED) == 5
    refuse_parked(parked)
