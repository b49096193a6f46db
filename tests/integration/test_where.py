"""Where a request is, on a real Kafka and S3: each state of its way, and why it went no further."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from msgspec.structs import replace

from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.campaigns.cursor_topic import write_feeder_records
from seedcast.codec import encode_json, encode_synthesis
from seedcast.kafka import client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.kafka.partitioner import key, partition
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import Campaign, Cursor, Rejected, RequestError, SpeechResult
from seedcast.schemas.topics import AUDIO, GPU_CONSUMERS, REQUESTS, REQUESTS_URGENT, RESULTS, Topic
from seedcast.settings import Settings
from seedcast.storage.campaign_rows import rows_of
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import StagedRow
from tests.builders.deployments import rows, run
from tests.builders.indexed_topics import with_index
from tests.builders.outcomes import a_rendition
from tests.builders.requests import a_request
from tests.builders.topics import delete, producer, send

pytestmark = pytest.mark.integration

NIGHT = "night"
LIST = [
    {"id": "b-1", "text": "Hello Anna.", "voice": 7},
    {"id": "b-2", "text": "", "voice": 7},
    {"id": "b-3", "text": "Hello Omar.", "voice": 7},
    {"id": "b-4", "text": "Hello Grace.", "voice": 7},
]


@pytest.fixture
def staged(settings: Settings) -> list[StagedRow]:
    submit_requests(settings, LIST, SubmitOptions(campaign=NIGHT, id_column="id", spread=1))
    return list(rows_of(settings, read_campaigns(settings)[NIGHT]))


def ask(settings: Settings, wanted: str, campaign: str = NIGHT) -> dict[str, Any]:
    (answer,) = rows(run(settings, "where", campaign, wanted, "--json"))
    return answer


def feed(
    settings: Settings, staged: list[StagedRow], *, fed: int, unfed: tuple[int, ...] = ()
) -> None:
    """Do what the feeder does: the first rows on their topic, and the cursor after them."""
    sent = [row for index, row in enumerate(staged[:fed]) if index not in unfed]
    for row in sent:
        number = partition(key(7), row.request_id.encode(), 1, settings.kafka.partitions)
        producer(settings).send(
            settings.topic(REQUESTS),
            key=key(7),
            value=row.value,
            on_delivery=lambda _: None,
            partition=number,
        )
    assert producer(settings).flush(120) == 0
    record = read_campaigns(settings)[NIGHT]
    assert record.staged
    cursor = Cursor(
        campaign_id=NIGHT, staging=record.staged.staging, fed=fed, unfed=unfed, generation=1
    )
    write_feeder_records(producer(settings), settings, [cursor])


def commit(settings: Settings, topic: Topic, offset: int) -> None:
    """Commit this offset of the partition of voice 7, as GPU consumers do."""
    number = partition(key(7), b"", 1, settings.kafka.partitions)
    admin = AdminClient(client_config.client(settings.kafka))
    place = TopicPartition(settings.topic(topic), number, offset)
    group = ConsumerGroupTopicPartitions(settings.group(GPU_CONSUMERS.name), [place])
    for future in admin.alter_consumer_group_offsets([group]).values():
        future.result(30)


def test_each_step_of_its_way_is_told(
    settings: Settings, staged: list[StagedRow], tmp_path: Path
) -> None:
    asked = with_index(settings, tmp_path)
    first = ask(asked, "b-1")
    assert (first["state"], first["row"], first["id"]) == ("staged", 1, "b-1")
    assert first["steps"][0]["step"] == "staged"
    third = ask(asked, "4")
    assert (third["state"], third["id"]) == ("staged", "b-4")
    assert "2 rows of its list before it" in third["why"]

    feed(settings, staged, fed=3, unfed=(1,))
    at_work, waits = ask(asked, "b-1"), ask(asked, "b-4")
    assert (at_work["state"], waits["state"]) == ("in_work", "waiting")
    fed = waits["steps"][1]
    number = partition(key(7), b"", 1, settings.kafka.partitions)
    assert (fed["topic"], fed["partition"]) == (settings.topic(REQUESTS), number)
    assert fed["offset"] == at_work["steps"][1]["offset"] + 1
    assert "1 requests before it" in waits["why"]
    assert "full" in ask(asked, "b-3")["why"]

    commit(settings, REQUESTS, fed["offset"])
    taken = ask(asked, staged[0].request_id)
    assert taken["state"] == "spoken"
    assert "its result should come" in taken["why"]
    assert ask(asked, "b-4")["state"] == "in_work"

    error = RequestError(code="expired", message="too late")
    rejected = Rejected(
        request_id=staged[0].request_id, campaign_id=NIGHT, status="expired", error=error
    )
    send(settings, AUDIO, [(staged[0].request_id.encode(), encode_synthesis(rejected))])
    spoken = ask(asked, "b-1")
    assert (spoken["state"], spoken["steps"][-1]["topic"]) == ("spoken", settings.topic(AUDIO))

    rendition = a_rendition(uri=S3Store(settings.s3).put("night/1.ogg", b"audio", "audio/ogg"))
    gone = replace(rendition, profile="wav", uri=S3Store(settings.s3).uri("night/2.wav"))
    result = SpeechResult(
        request_id=staged[0].request_id,
        campaign_id=NIGHT,
        status="succeeded",
        renditions=(rendition, gone),
        metadata={"id": "b-1"},
    )
    send(settings, RESULTS, [(staged[0].request_id.encode(), encode_json(result))])
    for _ in ("not in the index yet", "in the index"):
        delivered = ask(asked, "b-1")
        steps = [(step["step"], bool(step["at"])) for step in delivered["steps"]]
        assert delivered["state"] == "delivered"
        assert steps[0] == ("staged", True)
        assert steps[-3:] == [("stored", True), ("not stored", False), ("delivered", True)]
        with_index(settings, tmp_path)


def test_a_fed_row_that_its_topic_has_lost_is_unknown_and_not_fed_again(
    settings: Settings, staged: list[StagedRow]
) -> None:
    feed(settings, staged, fed=1)
    delete(settings, REQUESTS)
    answer = ask(settings, "b-1")
    assert answer["state"] == "unknown"
    assert "not fed again: submit it under another name" in answer["why"]


def test_why_a_row_went_no_further_is_told(settings: Settings, staged: list[StagedRow]) -> None:
    for wanted in ("b-2", "2"):
        answer = ask(settings, wanted)
        assert (answer["state"], answer["row"]) == ("rejected", 2)
        assert "field 'text'" in answer["why"]
    error = RequestError(code="engine_error", message="it cannot")
    failed = SpeechResult(
        request_id=staged[0].request_id, campaign_id=NIGHT, status="failed", error=error
    )
    send(settings, RESULTS, [(staged[0].request_id.encode(), encode_json(failed))])
    answer = ask(settings, "b-1")
    assert (answer["state"], answer["why"]) == ("failed", "engine_error: it cannot")
    record = read_campaigns(settings)[NIGHT]
    later = datetime(2999, 1, 1, tzinfo=UTC)
    announce(producer(settings), settings, replace(record, start_at=later))
    assert "nothing is fed before 2999-01-01T00:00+00:00" in ask(settings, "b-3")["why"]
    announce(producer(settings), settings, replace(record, state="paused"))
    assert "its campaign is paused" in ask(settings, "b-3")["why"]
    unknown = run(settings, "where", NIGHT, "b-9")
    assert unknown.returncode == 2
    assert "none such" in unknown.stderr
    shown = run(settings, "where", NIGHT, "b-1")
    assert "row 1 · b-1" in shown.stdout
    assert "failed – engine_error" in shown.stdout


def test_an_event_without_a_result_is_found_on_its_topic(settings: Settings) -> None:
    record = Campaign(campaign_id="orders", state="open", created_at=datetime.now(UTC))
    announce(producer(settings), settings, record)
    sent = a_request(
        request_id="order-00001", campaign_id="orders", priority="urgent", metadata={"id": "o-1"}
    )
    send(settings, REQUESTS_URGENT, [(key(7), encode_json(sent))])
    for wanted in ("o-1", "order-00001"):
        answer = ask(settings, wanted, "orders")
        assert (answer["state"], answer["request_id"]) == ("in_work", "order-00001")
        assert answer["steps"][1]["topic"] == settings.topic(REQUESTS_URGENT)
    assert run(settings, "where", "orders", "o-2").returncode == 2
