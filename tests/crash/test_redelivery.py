"""Records that come twice, too late, or from another configuration.

The outcome is stated, and no offset passes an unfinished record.
"""

import os
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

from seedcast.cli.exit_codes import Exit
from seedcast.errors import Fatal
from seedcast.kafka import Producer, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.schemas.topics import AUDIO_URGENT, DEAD_LETTERS, REQUESTS, REQUESTS_URGENT, Topic
from seedcast.settings import Settings
from seedcast.storage import dead_letters
from tests.builders.topics import delete
from tests.builders.waiting import eventually
from tests.crash.conftest import managed
from tests.crash.deployment import GROUPS, SOURCES, Deployment, with_short_timeouts

pytestmark = pytest.mark.integration

COUNT = 32  # requests per campaign
PACED = 300  # requests: a minute of work for a paced engine
URGENT_SOURCES = {"gpu-consumer": REQUESTS_URGENT, "postprocess": AUDIO_URGENT}


@pytest.fixture
def deployment(
    settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Deployment]:
    """With a session so long that no stall ends it: these tests need none to end."""
    short = with_short_timeouts(settings, settings.kafka.session_timeout)
    yield from managed(Deployment(short, tmp_path, settings), request)


def admin(settings: Settings) -> AdminClient:
    return AdminClient(client_config.client(settings.kafka))


def rewind(settings: Settings, kind: str) -> None:
    """Reset the group to offset 0, as an operator would; what the ledger knew is gone."""
    group = settings.group(GROUPS[kind])
    starts = [
        TopicPartition(settings.topic(topic), number, 0)
        for topic in (SOURCES[kind], URGENT_SOURCES[kind])
        for number in range(settings.kafka.partitions)
    ]
    offsets = [ConsumerGroupTopicPartitions(group, starts)]
    client = admin(settings)  # it must outlive its futures
    eventually(
        lambda: client.alter_consumer_group_offsets(offsets)[group].result(60),
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


def all_committed(deployment: Deployment) -> bool:
    return deployment.offsets_done("gpu-consumer") == COUNT


def test_a_topic_delivered_again_ends_each_request_once(deployment: Deployment) -> None:
    deployment.submit(COUNT)
    workers = [deployment.start_gpu_consumer(), deployment.start_postprocess()]
    deployment.wait_for_completion(COUNT)
    for worker in workers:
        worker.shut_down()
    for kind in GROUPS:
        rewind(deployment.test_settings, kind)
    deployment.allow_repeats()  # of everything: no offset counts as done any more
    assert deployment.offsets_done("gpu-consumer") == 0
    with (
        deployment.recovery("offsets reset: postprocess", "postprocess"),
        deployment.recovery("offsets reset: gpu-consumer"),
    ):
        workers = [deployment.start_gpu_consumer(), deployment.start_postprocess()]
    eventually(
        lambda: all_committed(deployment) and not deployment.lag(), 300, "all of it done again"
    )
    deployment.assert_invariants(COUNT)
    assert deployment.repeats["audio"] == COUNT


def test_a_gpu_consumer_whose_unread_requests_were_deleted_logs_their_number_and_stops(
    deployment: Deployment,
) -> None:
    deployment.submit(COUNT)
    worker = deployment.start_gpu_consumer()
    eventually(lambda: all_committed(deployment), what="all of it committed")
    worker.shut_down()
    deployment.submit(COUNT, first=COUNT, campaign="deleted")
    delete(deployment.test_settings, REQUESTS)
    late = deployment.start_gpu_consumer()
    assert late.process.wait(180) == Fatal.exit_code
    assert re.search(r"\d+ records were deleted before they were read", late.log)
    assert all_committed(deployment)


@pytest.mark.slow
@pytest.mark.parametrize("kind", GROUPS)
def test_the_source_offset_stays_while_the_dead_letter_topic_refuses_records(
    deployment: Deployment, kind: str
) -> None:
    worker = deployment.start_worker(kind)
    worker.wait_for_log('"assigned"')
    alter(deployment.test_settings, DEAD_LETTERS, "max.message.bytes", "128")
    Producer(deployment.test_settings).deliver(
        deployment.test_settings.topic(SOURCES[kind]), key=b"7", value=b"\xff not a message"
    )
    assert worker.process.wait(180) == Exit.FATAL
    assert "the broker will never take this record" in worker.log
    assert deployment.offsets_done(kind) == 0
    alter(deployment.test_settings, DEAD_LETTERS, "max.message.bytes", str(DEAD_LETTERS.max_bytes))
    with deployment.recovery("dead letters refused", kind):
        successor = deployment.start_worker(kind)
    assert deployment.offsets_done(kind) == 1
    (letter,) = [dead_letters.parse(record) for record in deployment.records(DEAD_LETTERS)]
    assert letter.value == b"\xff not a message"
    successor.shut_down()


def other_engine(folder: Path) -> dict[str, str]:
    """Variables that make espeak's package look like another version to the fingerprint."""
    metadata = folder / "espeakng_loader-99.0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: espeakng-loader\nVersion: 99.0\n")
    return {"PYTHONPATH": str(folder)}


def follow_python_path() -> None:
    """Search PYTHONPATH first, as an interpreter that starts does and a fork does not."""
    sys.path.insert(0, os.environ["PYTHONPATH"])


def without_embedded_stack(settings: Settings, folder: Path) -> Settings:
    """The same servers, named in the settings; only an embedded stack blesses its own engine."""
    return settings.model_copy(update={"home": folder / "home"})


@pytest.mark.slow
def test_a_worker_whose_fingerprint_is_not_blessed_takes_no_partition(
    deployment: Deployment, tmp_path: Path
) -> None:
    deployment.submit(COUNT)
    blessed = deployment.start_gpu_consumer()
    blessed.wait_for_log('"voice_lock_blessed"')
    settings = without_embedded_stack(deployment.settings, tmp_path)
    other = deployment.start_worker(
        "gpu-consumer",
        settings,
        preexec=follow_python_path,
        **other_engine(tmp_path / "other"),
    )
    assert other.process.wait(60) == Fatal.exit_code
    assert "fingerprint of the engine" in other.log
    assert '"assigned"' not in other.log
    deployment.start_postprocess()
    deployment.wait_for_completion(COUNT)
    deployment.assert_invariants(COUNT)
    receipts = [result.receipt for result in deployment.first_results() if result.receipt]
    assert len({receipt.engine_fingerprint for receipt in receipts}) == 1


@pytest.mark.slow
def test_receipts_and_audit_show_that_a_campaign_has_two_halves(
    deployment: Deployment, chance: random.Random, tmp_path: Path
) -> None:
    table = tmp_path / "profiles.toml"
    table.write_text("[telephony]\nformat = 'flac'\nsample_rate = 16000\n")
    deployment.submit(PACED)
    old = [deployment.start_gpu_consumer("paced_engine"), deployment.start_postprocess()]
    deployment.wait_for_commits("postprocess", chance.randint(1, COUNT // 2))
    for worker in old:
        worker.shut_down()
    with deployment.recovery("another chain", "postprocess"), deployment.recovery("another engine"):
        new = [
            deployment.start_worker(
                "gpu-consumer", preexec=follow_python_path, **other_engine(tmp_path / "other")
            ),
            deployment.start_postprocess(SEEDCAST_POSTPROCESS_PROFILES=str(table)),
        ]
    deployment.wait_for_completion(PACED)
    deployment.assert_invariants(PACED)
    halves = {note.name: note.examples for note in deployment.assert_audit_passes().notes}
    for part in ("engine", "chain"):
        counts = Counter(
            getattr(result.receipt, f"{part}_fingerprint") for result in deployment.first_results()
        )
        assert len(counts) == 2
        assert set(halves[f"{part}_halves"]) == {
            f"{fingerprint} ({count})" for fingerprint, count in counts.items()
        }
    for worker in new:
        worker.shut_down()
