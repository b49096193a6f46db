"""What comes twice, too late, or from another configuration: the outcome is stated, and no offset passes what is unfinished."""

import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_END, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from schemas.topics import AUDIO_URGENT, DEAD_LETTERS, REQUESTS, REQUESTS_URGENT, Topic
from seedcast.cli.base import Exit
from seedcast.errors import Fatal
from seedcast.kafka import Producer, client_config
from seedcast.settings import Settings
from storage import dead_letters
from tests.conftest import eventually
from tests.crash.conftest import a_night
from tests.crash.night import GROUPS, Night, impatient
from tests.crash.night import SOURCES as TOPICS

pytestmark = pytest.mark.integration

REQUESTS_OF_A_NIGHT = 100
PACED = 300  # requests before a paced engine: a minute of them
URGENT = {"gpu-consumer": REQUESTS_URGENT, "postprocess": AUDIO_URGENT}


@pytest.fixture
def night(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Night]:
    """With a session that no stall ends: none has to end here."""
    yield from a_night(
        Night(impatient(settings, settings.kafka.session_timeout), tmp_path, settings), request
    )


def admin(settings: Settings) -> AdminClient:
    return AdminClient(client_config.client(settings.kafka))


def rewind(settings: Settings, kind: str) -> None:
    """As an operator would: the whole topic again, and what the ledger knew is gone."""
    group = settings.group(GROUPS[kind])
    places = [
        TopicPartition(settings.topic(topic), n, 0)
        for topic in (TOPICS[kind], URGENT[kind])
        for n in range(settings.kafka.partitions)
    ]
    client = admin(settings)  # which must outlive what it was asked for
    eventually(
        lambda: client.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)])[
            group
        ].result(60),
        what="an empty group",
    )


def alter(settings: Settings, topic: Topic, name: str, value: str) -> None:
    resource = ConfigResource(ConfigResource.Type.TOPIC, settings.topic(topic))
    resource.add_incremental_config(
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    )
    client = admin(settings)
    client.incremental_alter_configs([resource])[resource].result(60)
    eventually(
        lambda: client.describe_configs([resource])[resource].result(60)[name].value == value,
        what="the new setting",
    )


def test_a_topic_delivered_again_ends_each_request_once(night: Night) -> None:
    night.submit(REQUESTS_OF_A_NIGHT)
    workers = [night.gpu(), night.post()]
    night.completes(REQUESTS_OF_A_NIGHT)
    for worker in workers:
        worker.finishes()
    for kind in GROUPS:
        rewind(night.seen, kind)
    night.mark()  # nothing is done any more
    assert night.done("gpu-consumer") == 0
    with (
        night.recovery("offsets reset: postprocess", "postprocess"),
        night.recovery("offsets reset: gpu-consumer"),
    ):
        workers = [night.gpu(), night.post()]
    eventually(
        lambda: night.done("gpu-consumer") == REQUESTS_OF_A_NIGHT and not night.lag(),
        300,
        "all of it again",
    )
    night.holds(REQUESTS_OF_A_NIGHT)
    assert night.repeats["audio"] == REQUESTS_OF_A_NIGHT


def test_a_gpu_consumer_whose_requests_were_deleted_says_how_many_and_stops(night: Night) -> None:
    night.submit(REQUESTS_OF_A_NIGHT)
    worker = night.gpu()
    eventually(
        lambda: night.done("gpu-consumer") == REQUESTS_OF_A_NIGHT, what="all of it committed"
    )
    worker.finishes()
    night.submit(REQUESTS_OF_A_NIGHT, first=REQUESTS_OF_A_NIGHT, campaign="deleted")
    name, client = night.seen.topic(REQUESTS), admin(night.seen)
    for deleted in client.delete_records(
        [TopicPartition(name, number, OFFSET_END) for number in range(night.seen.kafka.partitions)]
    ).values():
        deleted.result(60)
    late = night.gpu()
    assert late.process.wait(180) == Fatal.exit_code
    assert re.search(r"\d+ records were deleted before they were read", late.said)
    assert night.done("gpu-consumer") == REQUESTS_OF_A_NIGHT


@pytest.mark.parametrize("kind", GROUPS)
def test_while_the_dead_letter_topic_refuses_the_source_offset_stays(
    night: Night, kind: str
) -> None:
    worker = night.start(kind)
    worker.says('"assigned"')
    alter(night.seen, DEAD_LETTERS, "max.message.bytes", "128")
    Producer(night.seen).deliver(
        night.seen.topic(TOPICS[kind]), key=b"7", value=b"\xff not a message"
    )
    assert worker.process.wait(180) == Exit.FATAL
    assert "the broker will never take this record" in worker.said
    assert night.done(kind) == 0
    alter(night.seen, DEAD_LETTERS, "max.message.bytes", str(DEAD_LETTERS.max_bytes))
    with night.recovery("dead letters refused", kind):
        again = night.start(kind)
    assert night.done(kind) == 1
    (letter,) = [dead_letters.parse(record) for record in night.topic(DEAD_LETTERS)]
    assert letter.value == b"\xff not a message"
    again.finishes()


def other_engine(folder: Path) -> dict[str, str]:
    """Another version of espeak's package, as far as the fingerprint can see."""
    metadata = folder / "espeakng_loader-99.0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: espeakng-loader\nVersion: 99.0\n")
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    }


def elsewhere(settings: Settings, folder: Path) -> Settings:
    """The same servers, named in the settings: no embedded stack that blesses itself."""
    return settings.model_copy(update={"home": folder / "home"})


def test_of_two_fingerprints_in_a_group_the_one_that_was_not_blessed_takes_nothing(
    night: Night, tmp_path: Path
) -> None:
    night.submit(REQUESTS_OF_A_NIGHT)
    blessed = night.gpu()
    blessed.says('"voice_lock_blessed"')
    other = night.start(
        "gpu-consumer", elsewhere(night.settings, tmp_path), **other_engine(tmp_path / "other")
    )
    assert other.process.wait(60) == Fatal.exit_code
    assert "fingerprint of the engine" in other.said
    assert '"assigned"' not in other.said
    night.post()
    night.completes(REQUESTS_OF_A_NIGHT)
    night.holds(REQUESTS_OF_A_NIGHT)
    assert (
        len({result.receipt.engine_fingerprint for result in night.outcomes() if result.receipt})
        == 1
    )


@pytest.mark.slow
def test_a_campaign_of_two_halves_shows_both_in_its_receipts_and_its_audit(
    night: Night, chance: random.Random, tmp_path: Path
) -> None:
    table = tmp_path / "profiles.toml"
    table.write_text("[telephony]\nformat = 'flac'\nsample_rate = 16000\n")
    night.submit(PACED)
    old = [night.gpu("paced_engine"), night.post()]
    night.comes_to("postprocess", chance.randint(1, REQUESTS_OF_A_NIGHT // 2))
    for worker in old:
        worker.finishes()
    with night.recovery("another chain", "postprocess"), night.recovery("another engine"):
        new = [
            night.gpu(**other_engine(tmp_path / "other")),
            night.post(SEEDCAST_POSTPROCESS_PROFILES=str(table)),
        ]
    night.completes(PACED)
    night.holds(PACED)
    halves = {note.name: note.examples for note in night.audited().notes}
    for part in ("engine", "chain"):
        found = Counter(
            getattr(result.receipt, f"{part}_fingerprint") for result in night.outcomes()
        )
        assert len(found) == 2
        assert set(halves[f"{part}_halves"]) == {
            f"{fingerprint} ({count})" for fingerprint, count in found.items()
        }
    for worker in new:
        worker.finishes()
