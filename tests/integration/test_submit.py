"""Submitting on a real Kafka: whatever happens, `accepted` counts the distinct ids on the topic."""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from seedcast import Client, submit
from seedcast.campaigns.campaign_state import sealed
from seedcast.campaigns.campaign_topic import announce, read_campaigns, write_campaign
from seedcast.codec import decode_request
from seedcast.embedded import Stack
from seedcast.errors import InvalidInput, Poison, TopicMismatch, Unreachable
from seedcast.kafka import Admin, Record, TopicReader, client_config
from seedcast.producers.staging.journal import Journal
from seedcast.producers.staging.options import SubmitOptions, SubmitReport
from seedcast.producers.staging.remote import Remote
from seedcast.producers.staging.run import Came
from seedcast.producers.staging.submit import BATCH, submit_file, submit_requests
from seedcast.schemas.messages import Campaign, SpeechRequest
from seedcast.schemas.topics import CAMPAIGNS, REQUESTS, REQUESTS_URGENT, Topic
from seedcast.settings import KafkaSettings, Settings
from tests.builders.deployments import environment, fresh
from tests.builders.requests import a_request
from tests.builders.topics import producer
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

OPTIONS = SubmitOptions(campaign="night", id_column="id", voice=2222)
OPTIONS_BY_ROW = SubmitOptions(campaign="night", voice=2222)
# One record at a time, so that a crash falls in the middle.
SLOW = {"linger.ms": "0", "batch.num.messages": "1", "max.in.flight": "1"}


def on_topic(settings: Settings, topic: Topic = REQUESTS) -> list[Record]:
    with TopicReader(settings, settings.topic(topic)) as reader:
        return list(reader.to_end())


def requests_on(settings: Settings) -> list[SpeechRequest]:
    return [decode_request(record.value) for record in on_topic(settings)]


def a_list(folder: Path, rows: int) -> Path:
    path = folder / "list.csv"
    lines = (f"n-{number},Message number {number}.\n" for number in range(1, rows + 1))
    path.write_text("id,text\n" + "".join(lines))
    return path


def journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.night.journal")


def assert_counts_agree(
    settings: Settings, report: SubmitReport, accepted: int, resent: int = 0
) -> None:
    """Assert that the report, the sealed record and the distinct ids on the topic agree."""
    ids = [request.request_id for request in requests_on(settings)]
    record = read_campaigns(settings)["night"]
    assert (report.accepted, len(set(ids)), record.accepted) == (accepted, accepted, accepted)
    assert record.state == report.state == "sealed"
    assert len(ids) - len(set(ids)) <= resent


def test_a_list_is_accepted_and_sealed(settings: Settings, tmp_path: Path) -> None:
    path = a_list(tmp_path, 2000)
    with path.open("a") as file:
        file.write("n-1,Message number 1.\nn-2,Something else.\nn-9999,…\n")
    report = submit_file(settings, path, OPTIONS)
    assert (report.rows, report.new, report.duplicates, report.rejected) == (2003, 2000, 1, 2)
    assert_counts_agree(settings, report, 2000)
    first = min(requests_on(settings), key=lambda request: int(request.metadata["row"]))
    assert (first.text, first.metadata) == ("Message number 1.", {"row": "1", "id": "n-1"})


def test_a_second_run_submits_nothing_and_rejects_a_new_row(
    settings: Settings, tmp_path: Path
) -> None:
    path = a_list(tmp_path, 50)
    submit_file(settings, path, OPTIONS)
    with path.open("a") as file:
        file.write("n-51,One that came later.\n")
    report = submit_file(settings, path, OPTIONS)
    assert (report.new, report.resumed, report.rejected) == (0, 50, 1)
    assert report.rejections[0].expected == "a row that the campaign accepted"
    assert_counts_agree(settings, report, 50)


MANY = 20_000  # rows: one record at a time, this takes long enough to be killed in the middle


def _killed(settings: Settings, path: Path) -> None:
    """Run a submission, and kill it between its first and its last record."""
    kafka = settings.kafka.model_copy(update={"options": SLOW})
    slow = settings.model_copy(update={"kafka": kafka})
    code = (
        "from seedcast.producers.staging.options import *\n"
        "from seedcast.producers.staging.submit import submit_file\n"
        "from seedcast.schemas.messages import Style\n"
        "from seedcast.settings import load\n"
        f"submit_file(load(), {str(path)!r}, {OPTIONS!r})"
    )
    env = environment(slow) | {"SEEDCAST_KAFKA_OPTIONS": json.dumps(SLOW)}
    child = subprocess.Popen([sys.executable, "-c", code], env=env)
    try:
        eventually(
            lambda: child.poll() is not None or len(on_topic(settings)) > 100,
            what="a hundred records on the topic",
        )
    finally:
        child.kill()
    assert child.wait() == -signal.SIGKILL


def test_after_kill_9_the_same_command_continues(settings: Settings, tmp_path: Path) -> None:
    path = a_list(tmp_path, MANY)
    _killed(settings, path)
    before = len(on_topic(settings))
    assert 0 < before < MANY
    report = submit_file(settings, path, OPTIONS)
    assert report.resumed >= before
    assert report.new + report.resumed == MANY
    assert_counts_agree(settings, report, MANY)


def test_a_lost_journal_is_rebuilt_from_the_topic(settings: Settings, tmp_path: Path) -> None:
    path = a_list(tmp_path, MANY)
    _killed(settings, path)
    journal_of(path).unlink()
    assert_counts_agree(settings, submit_file(settings, path, OPTIONS), MANY)


def test_a_journal_of_another_cluster_is_ignored(
    settings: Settings, stack: Stack, tmp_path: Path
) -> None:
    path = a_list(tmp_path, 20)
    submit_file(settings, path, OPTIONS)
    other = fresh(stack)
    report = submit_file(other, path, OPTIONS)
    assert (report.new, report.resumed) == (20, 0)
    assert_counts_agree(other, report, 20)


def test_a_journal_of_a_campaign_that_kafka_no_longer_has_is_ignored(
    settings: Settings, tmp_path: Path
) -> None:
    path = a_list(tmp_path, 20)
    submit_file(settings, path, OPTIONS)
    producer(settings).deliver(settings.topic(CAMPAIGNS), key=b"night", value=None)
    report = submit_file(settings, path, OPTIONS)
    assert (report.new, report.resumed) == (20, 0)
    assert_counts_agree(settings, report, 20, resent=20)


def test_a_row_that_changed_after_it_was_accepted_is_an_error_of_that_row(
    settings: Settings, tmp_path: Path
) -> None:
    path = a_list(tmp_path, 20)
    unsealed = SubmitOptions(campaign="night", id_column="id", voice=2222, seal=False)
    submit_file(settings, path, unsealed)
    path.write_text(path.read_text().replace("number 7.", "number seven."))
    report = submit_file(settings, path, OPTIONS)
    assert [(r.row, r.field) for r in report.rejections] == [(7, "id")]
    assert_counts_agree(settings, report, 20)


def test_a_deadline_that_passes_later_does_not_reject_accepted_rows(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = a_list(tmp_path, 5)
    brief = SubmitOptions(campaign="night", id_column="id", voice=2222, deadline="1h", seal=False)
    opened = submit_file(settings, path, brief)
    assert opened.accepted == 5
    assert not read_campaigns(settings)["night"].deliver_late
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    monkeypatch.setattr(
        "seedcast.producers.staging.run.datetime", SimpleNamespace(now=lambda _: tomorrow)
    )
    report = submit_file(settings, path, brief)
    assert (report.resumed, report.rejected) == (5, 0)


def test_an_interrupted_run_leaves_the_campaign_open_and_no_batch_in_doubt(
    settings: Settings, tmp_path: Path
) -> None:
    def rows() -> Iterator[Came]:
        for number in range(1, 5001):
            if number == 4500:
                eventually(lambda: len(on_topic(settings)) == 4096, what="two batches on the topic")
                raise KeyboardInterrupt
            yield {"id": f"n-{number}", "text": f"Message number {number}."}

    options = SubmitOptions(campaign="night", id_column="id", voice=2222, state_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        submit_requests(settings, rows(), options)
    assert read_campaigns(settings)["night"].state == "open"
    with closing(Journal(tmp_path / "night.night.journal")) as journal:
        assert (journal.accepted, journal.in_doubt) == (4096, False)
    sent = len(on_topic(settings))
    again = ({"id": f"n-{n}", "text": f"Message number {n}."} for n in range(1, 5001))
    report = submit_requests(settings, again, options)
    assert (sent, report.resumed) == (4096, 4096)
    assert_counts_agree(settings, report, 5000)


def test_a_missing_broker_is_reported_within_the_timeout(tmp_path: Path) -> None:
    nowhere = Settings(kafka=KafkaSettings(bootstrap="127.0.0.1:1", start_timeout=1.5))
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 within 1.5 s.*SEEDCAST_KAFKA_BOOTSTRAP"):
        submit_file(nowhere, a_list(tmp_path, 5), OPTIONS)


def test_a_record_that_the_broker_refuses_ends_the_run_with_an_error(settings: Settings) -> None:
    def refused() -> bool:
        try:
            producer(settings).deliver(settings.topic(REQUESTS), key=b"1", value=b"x" * 200)
        except Poison:
            return True
        return False

    def rows() -> Iterator[Came]:
        yield from ({"text": f"Message number {number}."} for number in range(2048))
        resource = ConfigResource(ConfigResource.Type.TOPIC, settings.topic(REQUESTS))
        resource.add_incremental_config(
            ConfigEntry("max.message.bytes", "64", incremental_operation=AlterConfigOpType.SET)
        )
        admin = AdminClient(client_config.client(settings.kafka))
        admin.incremental_alter_configs([resource])[resource].result(60)
        eventually(refused, what="the new limit")
        yield {"text": "One too many."}

    with pytest.raises(Poison, match="the broker will never take this record"):
        submit_requests(settings, rows(), OPTIONS_BY_ROW)
    assert read_campaigns(settings)["night"].state == "open"


def test_a_run_waits_for_a_broker_that_is_unavailable_for_a_while(
    stoppable_stack: Stack, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = fresh(stoppable_stack)
    gone, back = threading.Event(), threading.Event()

    def restart() -> None:
        gone.wait()
        stoppable_stack.stop_broker()
        back.set()
        stoppable_stack.start_broker()

    def rows() -> Iterator[Came]:
        for number in range(1, 10_001):
            if number == 5000:
                gone.set()
                back.wait()
            yield {"id": f"n-{number}", "text": f"Message number {number}."}

    operator = threading.Thread(target=restart)
    operator.start()
    report = submit_requests(settings, rows(), OPTIONS)
    operator.join()
    assert "kafka_client" in "".join(capfd.readouterr())  # it is logged meanwhile
    assert report.new == 10_000
    assert_counts_agree(settings, report, 10_000)


@pytest.mark.parametrize("state", ["cancelled", "paused"])
def test_a_cancelled_or_paused_campaign_accepts_nothing(
    settings: Settings, tmp_path: Path, state: str
) -> None:
    now = datetime.now(UTC)
    record = Campaign(campaign_id="night", state=state, created_at=now)  # type: ignore[arg-type]
    announce(producer(settings), settings, record)
    with pytest.raises(
        InvalidInput, match=f"campaign night; expected one that is open; got {state}"
    ):
        submit_file(settings, a_list(tmp_path, 5), OPTIONS)
    assert on_topic(settings) == []


def test_a_campaign_cancelled_in_the_middle_is_not_sealed(settings: Settings) -> None:
    def rows() -> Iterator[Came]:
        yield from ({"id": f"n-{number}", "text": "Hello."} for number in range(3000))
        announce(
            producer(settings),
            settings,
            Campaign(campaign_id="night", state="cancelled", created_at=datetime.now(UTC)),
        )

    with pytest.raises(InvalidInput, match="got cancelled"):
        submit_requests(settings, rows(), OPTIONS)
    assert read_campaigns(settings)["night"].state == "cancelled"


@pytest.mark.parametrize("content", ["id,text\na,…\n", "id,text\n"])
def test_a_list_without_a_valid_row_opens_no_campaign(
    settings: Settings, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="at least one valid row"):
        submit_file(settings, path, OPTIONS)
    assert read_campaigns(settings) == {}


def test_a_hot_voice_spreads_over_partitions_and_keeps_its_key(settings: Settings) -> None:
    def records(campaign: str, spread: int) -> list[Record]:
        rows: Iterable[Came] = ({"text": f"Message {number}."} for number in range(400))
        submit_requests(settings, rows, SubmitOptions(campaign=campaign, voice=2222, spread=spread))
        return [record for record in on_topic(settings) if campaign.encode() in record.value]

    assert {(record.key, record.partition.number) for record in records("one", 1)} == {
        (b"2222", crc32(b"2222") % 4)
    }
    for campaign, spread in (("wide", 4), ("three", 3)):
        counts = Counter(record.partition.number for record in records(campaign, spread))
        assert len(counts) == spread
        assert max(counts.values()) < 2 * 400 / spread


def test_urgent_rows_go_to_their_own_topic(settings: Settings) -> None:
    rows = [{"text": "Now.", "priority": "urgent"}, {"text": "Later."}]
    report = submit_requests(settings, rows, SubmitOptions(campaign="night", voice=1))
    assert report.accepted == 2
    urgent = [decode_request(record.value) for record in on_topic(settings, REQUESTS_URGENT)]
    assert [request.text for request in urgent] == ["Now."]
    assert [request.text for request in requests_on(settings)] == ["Later."]


def test_requests_that_the_caller_made_are_sent_unchanged(settings: Settings) -> None:
    request = a_request(request_id="chosen-by-the-caller", metadata={"crm": "7"})
    wrong = a_request(request_id="another-request", profiles=("gramophone",))
    report = submit_requests(settings, [request, request, wrong], SubmitOptions(campaign="night"))
    assert (report.new, report.duplicates, report.rejected) == (1, 1, 1)
    assert requests_on(settings) == [request]


def test_a_campaign_can_be_submitted_in_parts(settings: Settings) -> None:
    for part, seal in (("a", False), ("b", False), ("a", True)):
        options = SubmitOptions(campaign="night", id_column="id", voice=1, seal=seal)
        rows = [{"id": f"{part}-{number}", "text": "Hello."} for number in range(10)]
        report = submit_requests(settings, rows, options)
        assert report.state == ("sealed" if seal else "open")
    assert report.resumed == 10
    assert_counts_agree(settings, report, 20)


def test_files_submitted_in_parts_count_together(settings: Settings, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("id,text\na,One.\n")
    second.write_text("id,text\nb,Two.\nc,Three.\n")
    open_ended = replace(OPTIONS, seal=False)
    submit_file(settings, first, open_ended)
    submit_file(settings, second, open_ended)
    first.write_text("id,text\na,One.\nd,Four.\n")
    report = submit_file(settings, first, OPTIONS)
    assert (report.new, report.resumed) == (1, 1)
    assert_counts_agree(settings, report, 4)


def test_a_campaign_sealed_by_another_submission_accepts_no_new_row(
    settings: Settings, tmp_path: Path
) -> None:
    first = a_list(tmp_path, 1)
    submit_file(settings, first, replace(OPTIONS, seal=False))
    submit_requests(settings, [{"id": "another", "text": "Hello."}], OPTIONS)
    report = submit_file(settings, a_list(tmp_path, 2), OPTIONS)
    assert (report.resumed, report.rejected) == (1, 1)
    assert_counts_agree(settings, report, 2)


def test_a_run_ends_when_another_submission_seals_its_campaign(
    settings: Settings,
) -> None:
    read = 0

    def rows() -> Iterator[Came]:
        nonlocal read
        for read in range(100 * BATCH):
            if read == 2 * BATCH:
                submit_requests(settings, [{"id": "another", "text": "Hello."}], OPTIONS)
            yield {"id": f"n-{read}", "text": "Hello."}

    with pytest.raises(
        InvalidInput,
        match="campaign night; expected no other submission .*; got another submission sealed "
        f"this campaign with {2 * BATCH + 1:,} requests",
    ):
        submit_requests(settings, rows(), OPTIONS)
    assert read < 100 * BATCH - 1


@pytest.mark.parametrize("when", ["before", "between"])
def test_a_seal_by_another_submission_stands_and_is_reported(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    sender = producer(settings)
    record = Campaign(campaign_id="night", state="open", created_at=datetime.now(UTC))
    announce(sender, settings, record)

    def beaten(*arguments: Any) -> Campaign:
        write_campaign(settings, sender, sealed(record, 5))
        return write_campaign(*arguments)

    with closing(Remote(settings, "night")) as remote:
        if when == "before":
            write_campaign(settings, sender, sealed(record, 5))
        else:
            monkeypatch.setattr("seedcast.producers.staging.remote.write_campaign", beaten)
        with pytest.raises(
            InvalidInput, match="got another submission sealed this campaign with 5"
        ):
            remote.seal(sender, 7)
        remote.seal(sender, 5)
        assert remote.closed


def elsewhere(settings: Settings, home: Path, **kafka: object) -> Settings:
    """Return settings for the same brokers, for a user who did not start them."""
    changed = settings.kafka.model_copy(update=kafka)
    return settings.model_copy(update={"home": home, "kafka": changed})


def test_on_a_cluster_of_others_no_topic_is_created(settings: Settings, tmp_path: Path) -> None:
    other = elsewhere(settings, tmp_path, prefix=f"{settings.kafka.prefix}-none")
    with pytest.raises(
        TopicMismatch,
        match=r"topics are missing; expected .*-none\.requests, .*-none\.campaigns; "
        r".*topics create",
    ):
        submit_requests(other, [{"text": "Hello."}], OPTIONS_BY_ROW)
    assert not [name for name in Admin(settings).existing() if name.startswith(other.kafka.prefix)]


def test_on_a_cluster_of_others_existing_topics_are_used_unchanged(
    settings: Settings, tmp_path: Path
) -> None:
    other = elsewhere(settings, tmp_path, partitions=48, replication=3)
    assert_counts_agree(settings, submit_requests(other, [{"text": "Hello."}], OPTIONS_BY_ROW), 1)


def test_on_the_embedded_stack_topics_are_created(settings: Settings) -> None:
    other = elsewhere(settings, settings.home, prefix=f"{settings.kafka.prefix}-new")
    assert_counts_agree(other, submit_requests(other, [{"text": "Hello."}], OPTIONS_BY_ROW), 1)


def test_the_client_submits_files_and_rows_to_the_servers_of_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    options = SubmitOptions(campaign="rows", voice=2222, template="Dear {name}.")
    rows = [{"name": "Anna"}, {"name": "Omar"}]
    assert Client().submit(rows, options).accepted == 2
    path = tmp_path / "names.csv"
    path.write_text("name\nInes\n")
    assert submit(str(path), replace(options, campaign="file")).accepted == 1
    assert {request.text for request in requests_on(settings)} == {
        "Dear Anna.",
        "Dear Omar.",
        "Dear Ines.",
    }
