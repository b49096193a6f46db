"""The names that deployments have committed offsets under, and the lanes that requests take."""

from collections import Counter

import pytest

from seedcast.kafka import client_config
from seedcast.schemas.topics import CAMPAIGNS, GROUPS, LANES, MIB, NORMAL, TOPICS, URGENT, Lane
from seedcast.settings import KafkaSettings, Settings

SETTINGS = Settings()


def test_consumer_groups_keep_the_names_and_topics_that_offsets_are_committed_under() -> None:
    assert {group.name: [topic.name for topic in group.topics] for group in GROUPS} == {
        "gpu-consumers": ["requests", "requests.urgent"],
        "postprocess": ["audio", "audio.urgent"],
        "feeders": ["campaigns"],
        "indexers": ["campaigns", "results"],
    }


def test_no_topic_is_read_by_two_of_our_groups() -> None:
    """But for `campaigns`, by whose one partition groups elect their active member."""
    topics = (topic for group in GROUPS for topic in group.topics if topic is not CAMPAIGNS)
    readers = Counter(topic.name for topic in topics)
    assert set(readers.values()) == {1}
    assert readers.keys() <= {topic.name for topic in TOPICS}


def test_each_priority_has_a_lane_of_its_own() -> None:
    assert LANES == {"normal": NORMAL, "urgent": URGENT}
    topics = [topic.name for lane in LANES.values() for topic in (lane.requests, lane.audio)]
    assert len(set(topics)) == 4


@pytest.mark.parametrize("lane", LANES.values())
def test_the_topic_of_a_record_names_its_lane(lane: Lane) -> None:
    assert SETTINGS.lane(SETTINGS.topic(lane.requests)) is lane


@pytest.mark.parametrize("size", [MIB, 8 * MIB, 32 * MIB])
def test_the_largest_record_of_the_audio_topics_alone_is_a_setting(size: int) -> None:
    kafka = KafkaSettings(max_record_bytes=size)
    audio = {lane.audio for lane in LANES.values()}
    for topic in TOPICS:
        largest = topic.config(1, kafka.max_record_bytes)["max.message.bytes"]
        assert largest == (str(size) if topic in audio else topic.config()["max.message.bytes"])
        assert int(largest) < client_config.max_record(kafka)
