"""An offset is done once the broker has acknowledged the outcome of its request."""

import pytest
from msgspec import structs

from seedcast.codec import decode_synthesis
from seedcast.errors import (
    AccessDenied,
    BrokerUnavailable,
    CredentialsRefused,
    Fatal,
    Poison,
    SeedcastError,
    StoreUnavailable,
    TopicMismatch,
    Undecodable,
)
from seedcast.gpu_consumers.ledger import Ledger
from seedcast.gpu_consumers.owned_partitions import Assignment
from seedcast.gpu_consumers.publisher import Publisher
from seedcast.kafka import Partition, Record
from seedcast.kafka.memory_producer import MemoryProducer
from seedcast.schemas.messages import RawAudio, Rejected
from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    DEAD_LETTERS,
    MIB,
    REQUESTS,
    REQUESTS_URGENT,
)
from seedcast.settings import Settings
from seedcast.storage.memory_store import MemoryStore
from tests.builders.requests import a_request

SETTINGS = Settings()
AUDIO_OF_REQUEST = RawAudio(
    request=a_request(),
    flac=b"fLaC",
    sample_rate=22050,
    samples=1,
    clipped=0,
    waveform_sha256="0" * 64,
    engine_fingerprint="e",
    draw=0,
)


@pytest.fixture
def producer() -> MemoryProducer:
    return MemoryProducer()


@pytest.fixture
def publisher(producer: MemoryProducer) -> Publisher:
    return Publisher(SETTINGS, MemoryStore(), producer)


def assignment(topic: str = SETTINGS.topic(REQUESTS)) -> Assignment:
    owned = Assignment(Partition(topic, 0), Ledger(0), committed=(0, ""))
    owned.ledger.take(0)
    return owned


def test_offset_is_done_only_when_the_audio_is_acknowledged(
    publisher: Publisher, producer: MemoryProducer
) -> None:
    owned = assignment()
    publisher.publish(owned, 0, AUDIO_OF_REQUEST)
    assert owned.ledger.watermark == 0
    producer.answer()
    assert owned.ledger.watermark == 1
    assert producer.acknowledged[0].topic == SETTINGS.topic(AUDIO)


def test_urgent_audio_keeps_its_lane(publisher: Publisher, producer: MemoryProducer) -> None:
    publisher.publish(assignment(SETTINGS.topic(REQUESTS_URGENT)), 0, AUDIO_OF_REQUEST)
    assert producer.outstanding[0].topic == SETTINGS.topic(AUDIO_URGENT)


@pytest.mark.parametrize(
    "error", [BrokerUnavailable("away"), CredentialsRefused("rotated"), AccessDenied("no right")]
)
def test_what_may_heal_is_sent_again_later_and_counts_as_unacknowledged(
    producer: MemoryProducer,
    publisher: Publisher,
    error: SeedcastError,
) -> None:
    owned, large = assignment(), structs.replace(AUDIO_OF_REQUEST, flac=b"f" * 41 * MIB)
    publisher.publish(owned, 0, large)
    producer.answer(error)
    publisher.poll()
    assert (owned.ledger.watermark, producer.outstanding) == (0, [])
    assert publisher.full, "no more is synthesised than memory holds"
    publisher._again_due = 0.0
    publisher.poll()
    producer.answer()
    assert (owned.ledger.watermark, publisher.full) == (1, False)


def test_what_was_to_be_sent_again_is_dropped_with_its_partition(
    publisher: Publisher, producer: MemoryProducer
) -> None:
    owned = assignment()
    publisher.publish(owned, 0, AUDIO_OF_REQUEST)
    producer.answer(BrokerUnavailable("away"))
    owned.owned, publisher._again_due = False, 0.0
    publisher.poll()
    assert producer.outstanding == []
    assert not publisher._again


def test_it_is_full_from_40_mib_until_half_of_that_is_acknowledged(
    publisher: Publisher, producer: MemoryProducer
) -> None:
    large = structs.replace(AUDIO_OF_REQUEST, flac=b"f" * MIB)
    for _ in range(39):
        publisher.publish(assignment(), 0, large)
    assert not publisher.full
    publisher.publish(assignment(), 0, large)
    assert publisher.full, (
        "librdkafka's queue holds 64 MiB and then blocks: no SIGTERM, no watchdog, no commit"
    )
    for sent in producer.outstanding[:19]:
        sent.on_delivery(None)
    assert publisher.full
    for sent in producer.outstanding[19:21]:
        sent.on_delivery(None)
    assert not publisher.full


def test_audio_that_no_topic_takes_becomes_a_rejection(
    publisher: Publisher, producer: MemoryProducer
) -> None:
    owned = assignment()
    publisher.publish(owned, 0, AUDIO_OF_REQUEST)
    producer.answer(Poison("too large"))
    producer.answer()
    outcome = decode_synthesis(producer.acknowledged[0].value or b"")
    assert isinstance(outcome, Rejected)
    assert (outcome.error.code, owned.ledger.watermark) == ("audio_too_large", 1)


def test_a_rejection_that_no_topic_takes_is_sent_without_its_metadata(
    publisher: Publisher, producer: MemoryProducer
) -> None:
    request = a_request(metadata={"note": "n" * MIB})
    owned = assignment()
    publisher.publish(owned, 0, structs.replace(AUDIO_OF_REQUEST, request=request))
    for _ in range(2):
        producer.answer(Poison("too large"))
    producer.answer()
    outcome = decode_synthesis(producer.acknowledged[0].value or b"")
    assert isinstance(outcome, Rejected)
    assert (outcome.error.code, outcome.metadata) == ("audio_too_large", {})
    assert owned.ledger.watermark == 1


def test_a_rejection_without_metadata_that_is_refused_ends_the_worker(
    publisher: Publisher, producer: MemoryProducer
) -> None:
    publisher.publish(assignment(), 0, AUDIO_OF_REQUEST)
    for _ in range(2):
        producer.answer(Poison("too large"))
    assert producer.outstanding == []
    with pytest.raises(Fatal):
        publisher.poll()


def test_a_fatal_error_ends_the_worker_and_leaves_the_offset(
    publisher: Publisher, producer: MemoryProducer
) -> None:
    owned = assignment()
    publisher.publish(owned, 0, AUDIO_OF_REQUEST)
    producer.answer(TopicMismatch("gone"))
    assert owned.ledger.watermark == 0
    with pytest.raises(TopicMismatch):
        publisher.poll()


def test_a_report_for_a_lost_partition_changes_nothing(
    publisher: Publisher, producer: MemoryProducer
) -> None:
    owned = assignment()
    publisher.publish(owned, 0, AUDIO_OF_REQUEST)
    owned.owned = False
    producer.answer()
    assert owned.ledger.watermark == 0


def test_dead_letter_that_is_refused_leaves_the_source_offset(
    publisher: Publisher, producer: MemoryProducer
) -> None:
    owned = assignment()
    publisher.bury(
        owned, Record(owned.partition, 0, b"7", b"nonsense", (), 0), Undecodable("not JSON")
    )
    assert producer.outstanding[0].topic == SETTINGS.topic(DEAD_LETTERS)
    producer.answer(Poison("refused"))
    assert owned.ledger.watermark == 0
    with pytest.raises(Fatal):
        publisher.poll()


def test_large_dead_letter_travels_by_reference_and_waits_for_the_store(
    producer: MemoryProducer,
) -> None:
    store, owned, value = MemoryStore(), assignment(), b"x" * (2 * MIB)
    publisher = Publisher(SETTINGS, store, producer)
    store.fail(StoreUnavailable("away"))
    publisher.bury(owned, Record(owned.partition, 0, None, value, (), 0), Undecodable("not JSON"))
    assert len(producer.outstanding[0].value or b"") == 0
    producer.answer()
    assert owned.ledger.watermark == 1
