"""Submitting on a real Kafka and a real S3: a list is staged whole, and one record commits it."""

import json
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from structlog.testing import capture_logs

from seedcast import Client, submit
from seedcast.campaigns.campaign_state import cancelled, paused
from seedcast.campaigns.campaign_topic import announce, change_campaign, read_campaigns
from seedcast.campaigns.set_digest import SetDigest
from seedcast.codec import decode_campaign, decode_request
from seedcast.embedded import Stack
from seedcast.errors import InvalidInput, ListDamaged, TopicMismatch, Unreachable
from seedcast.kafka import Admin, Record, TopicReader
from seedcast.producers.staging import campaign_record, part_writer
from seedcast.producers.staging.options import SubmitOptions, SubmitProgress, SubmitReport
from seedcast.producers.staging.run import Came
from seedcast.producers.staging.submit import submit_file, submit_requests
from seedcast.schemas.messages import Campaign, ListPart, SpeechRequest, StagedList
from seedcast.schemas.topics import CAMPAIGNS, REQUESTS, REQUESTS_URGENT, Topic
from seedcast.settings import KafkaSettings, Settings
from seedcast.storage.objects import ObjectInfo
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import BEGUN, FOLDER, StagedRow, part_name, read_rows
from tests.builders.deployments import environment, fresh, run
from tests.builders.feeding import feed
from tests.builders.requests import a_request
from tests.builders.topics import producer
from tests.builders.waiting import eventually
from tests.crash.proxy import Fault, Proxy

pytestmark = pytest.mark.integration

OPTIONS = SubmitOptions(campaign="night", id_column="id", voice=2222)
OPTIONS_BY_ROW = SubmitOptions(campaign="night", voice=2222)


def on_topic(settings: Settings, topic: Topic) -> list[Record]:
    with TopicReader(settings, settings.topic(topic)) as reader:
        return list(reader.to_end())


def fed(settings: Settings, topic: Topic = REQUESTS) -> list[SpeechRequest]:
    """Return what is on the requests topic once the feeder has fed everything."""
    feed(settings)
    return [decode_request(record.value) for record in on_topic(settings, topic)]


def records(settings: Settings) -> list[Campaign]:
    """Return every record that was written to the topic of campaigns."""
    return [decode_campaign(record.value) for record in on_topic(settings, CAMPAIGNS)]


def staged(settings: Settings, campaign: str = "night") -> list[StagedRow]:
    record = read_campaigns(settings)[campaign]
    return list(read_rows(S3Store(settings.s3), record))


def objects(settings: Settings) -> dict[str, ObjectInfo]:
    """Return all objects of staged lists, by key."""
    return {info.key: info for info in S3Store(settings.s3).list(f"{FOLDER}/")}


def names(settings: Settings) -> list[str]:
    return sorted(key.rpartition("/")[2] for key in objects(settings))


def the_folder(settings: Settings, campaign: str = "night") -> str:
    listed = read_campaigns(settings)[campaign].staged
    assert listed
    return f"{FOLDER}/{campaign}/{listed.staging}/"


def some_rows(count: int) -> list[Came]:
    return [
        {"id": f"n-{number}", "text": f"Message number {number}."} for number in range(1, count + 1)
    ]


def a_list(folder: Path, rows: int) -> Path:
    path = folder / "list.csv"
    lines = (f"n-{number},Message number {number}.\n" for number in range(1, rows + 1))
    path.write_text("id,text\n" + "".join(lines))
    return path


def assert_submitted(settings: Settings, report: SubmitReport, accepted: int) -> None:
    """Assert that the report, the one record and the staged list agree, and nothing was fed yet."""
    (record,) = records(settings)
    rows, ids = staged(settings), SetDigest()
    for row in rows:
        assert row.request.request_id == row.request_id
        ids.add(row.request_id.encode())
    assert (report.accepted, record.accepted, len(rows)) == (accepted,) * 3
    assert len({row.request_id for row in rows}) == accepted
    assert record.staged
    assert record.staged.ids_digest == ids.hex()
    assert record.state == report.state == "sealed"
    assert report.rows == report.accepted + report.duplicates + report.rejected
    assert S3Store(settings.s3).get(uri(settings, the_folder(settings) + "_begun")) == b""
    assert on_topic(settings, REQUESTS) == []


def uri(settings: Settings, key: str) -> str:
    return S3Store(settings.s3).uri(key)


def test_a_list_is_staged_whole_and_its_campaign_exists(settings: Settings, tmp_path: Path) -> None:
    path = a_list(tmp_path, 2000)
    with path.open("a") as file:
        file.write("n-1,Message number 1.\nn-2,Something else.\nn-9999,…\n")
    report = submit_file(settings, path, replace(OPTIONS, deadline="2h"))
    assert (report.rows, report.accepted, report.duplicates, report.rejected) == (2003, 2000, 1, 2)
    assert not report.before
    assert_submitted(settings, report, 2000)
    (record,) = records(settings)
    assert record.staged
    assert (record.staged.duplicates, record.staged.rejected) == (1, 2)
    assert record.deadline == record.created_at + timedelta(hours=2)
    assert record.staged.options == {
        "id_column": "id",
        "voice": "2222",
        "deadline": "2h",
        "list": "list.csv",
    }
    first = staged(settings)[0]
    assert json.loads(first.source or b"") == {"id": "n-1", "text": "Message number 1."}
    request = first.request
    assert (request.text, request.metadata) == ("Message number 1.", {"row": "1", "id": "n-1"})
    assert sorted(fed(settings), key=ids_of) == sorted(
        (row.request for row in staged(settings)), key=ids_of
    )


def ids_of(request: SpeechRequest) -> str:
    return request.request_id


def test_rejected_rows_lie_beside_the_list_and_beside_the_parts(
    settings: Settings, tmp_path: Path
) -> None:
    """More of them than one PUT takes."""
    path = tmp_path / "list.csv"
    wrong = "".join(f"{number},{'…' * 300}\n" for number in range(7000))
    path.write_text(f"id,text\nn-1,Hello.\n{wrong}")
    report = submit_file(settings, path, OPTIONS)
    assert (report.accepted, report.rejected) == (1, 7000)
    assert report.rejected_file
    beside = report.rejected_file.read_bytes()
    assert len(beside) > 5 * 2**20
    key = the_folder(settings) + "_rejected.jsonl"
    assert S3Store(settings.s3).get(uri(settings, key)) == beside
    assert json.loads(beside.splitlines()[6999])["came"] == {"id": "6999", "text": "…" * 300}


def test_rows_from_python_leave_their_rejected_rows_in_the_store_alone(settings: Settings) -> None:
    report = submit_requests(settings, [{"text": "…"}, {"text": "Hi."}], OPTIONS_BY_ROW)
    assert (report.accepted, report.rejected, report.rejected_file) == (1, 1, None)
    kept = S3Store(settings.s3).get(uri(settings, the_folder(settings) + "_rejected.jsonl"))
    assert json.loads(kept)["came"] == {"text": "…"}


def again(settings: Settings, rows: Iterable[Came], options: SubmitOptions) -> SubmitReport:
    """Submit a list whose campaign exists; assert that nothing was written."""
    before = objects(settings)
    report = submit_requests(settings, rows, options)
    assert report.before
    assert objects(settings) == before
    assert_submitted(settings, report, len(staged(settings)))
    return report


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "options",
    [
        OPTIONS,
        OPTIONS_BY_ROW,
        replace(OPTIONS, deadline="2h"),
        replace(OPTIONS, deadline=datetime(2199, 1, 1, tzinfo=UTC)),
    ],
    ids=["by id", "by row", "a duration", "an instant"],
)
def test_the_same_list_again_is_already_submitted(
    settings: Settings, options: SubmitOptions
) -> None:
    rows = [*some_rows(50), {"id": "n-1", "text": "Message number 1."}, {"id": "x", "text": "…"}]
    first = submit_requests(settings, rows, options)
    assert not first.before
    second = again(settings, rows, options)
    assert replace(second, before=False, seconds=first.seconds) == first
    assert again(settings, iter(rows), options).accepted == first.accepted


def test_rows_with_ids_may_come_in_another_order(settings: Settings) -> None:
    submit_requests(settings, some_rows(50), OPTIONS)
    assert again(settings, some_rows(50)[::-1], OPTIONS).accepted == 50


def test_a_paused_campaign_has_its_list_and_stays_paused(settings: Settings) -> None:
    submit_requests(settings, some_rows(5), OPTIONS)
    change_campaign(settings, "night", paused)
    report = submit_requests(settings, some_rows(5), OPTIONS)
    assert (report.before, report.state) == (True, "paused")
    assert read_campaigns(settings)["night"].state == "paused"


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (some_rows(6), OPTIONS),
        (some_rows(4), OPTIONS),
        ([*some_rows(4), {"id": "n-5", "text": "Message number five."}], OPTIONS),
        ([*some_rows(4), {"id": "n-6", "text": "Message number 5."}], OPTIONS),
        (some_rows(5), replace(OPTIONS, speed=1.5)),
        (some_rows(5), replace(OPTIONS, deliver_late=True)),
        (some_rows(5)[::-1], OPTIONS_BY_ROW),
    ],
    ids=["longer", "shorter", "a text", "an id", "an option", "late delivery", "numbers as ids"],
)
def test_another_list_of_that_name_is_refused_with_both_counts_and_digests(
    settings: Settings, rows: list[Came], options: SubmitOptions
) -> None:
    submit_requests(settings, some_rows(5), OPTIONS)
    before, (record,) = objects(settings), records(settings)
    assert record.staged
    with pytest.raises(InvalidInput) as caught:
        submit_requests(settings, rows, options)
    error = caught.value
    assert error.what == "campaign night"
    assert f"5 requests with digest {record.staged.digest[:16]}" in error.expected
    assert error.got.startswith(f"{len(rows)} requests with digest ")
    assert record.staged.digest[:16] not in error.got
    assert "another name" in error.remedy
    assert error.exit_code == 2
    assert objects(settings) == before
    assert records(settings) == [record]


def test_the_command_says_so_and_ends_with_2(settings: Settings, tmp_path: Path) -> None:
    command = ("submit", a_list(tmp_path, 5), "--campaign", "night", "--id-column", "id")
    first = run(settings, *command, "--voice", 1)
    assert (first.returncode, first.stdout.split(",")[0]) == (0, "night: 5 accepted")
    second = run(settings, *command, "--voice", 1)
    assert (second.returncode, second.stdout[:33]) == (0, "night: already submitted, 5 accep")
    other = run(settings, *command, "--voice", 2)
    assert other.returncode == 2
    assert other.stderr.count("5 requests with digest") == 2


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("state", "got"),
    [
        ("cancelled", "got cancelled"),
        ("open", "got a campaign of events, or of an older version"),
        ("sealed", "got a campaign of events, or of an older version"),
        ("paused", "got a campaign of events, or of an older version"),
    ],
)
def test_a_campaign_without_a_list_takes_none(
    settings: Settings, tmp_path: Path, state: str, got: str
) -> None:
    now = datetime.now(UTC)
    record = Campaign(campaign_id="night", state=state, created_at=now)  # type: ignore[arg-type]
    announce(producer(settings), settings, record)
    with pytest.raises(InvalidInput, match=f"campaign night; .*; {got}") as caught:
        submit_file(settings, a_list(tmp_path, 5), OPTIONS)
    assert caught.value.exit_code == 2
    assert (objects(settings), records(settings)) == ({}, [record])


def test_a_cancelled_list_is_not_submitted_again(settings: Settings) -> None:
    submit_requests(settings, some_rows(5), OPTIONS)
    change_campaign(settings, "night", cancelled)
    with pytest.raises(InvalidInput, match="got cancelled; submit the list as another campaign"):
        submit_requests(settings, some_rows(5), OPTIONS)


class Meanwhile(list[Came]):
    """A list in whose middle, when it is first read, something else happens."""

    def __init__(self, rows: Iterable[Came], happens: Callable[[], object]) -> None:
        super().__init__(rows)
        self._happens: Callable[[], object] | None = happens

    def __iter__(self) -> Iterator[Came]:
        for number, row in enumerate(super().__iter__()):
            if number == len(self) // 2 and self._happens:
                happens, self._happens = self._happens, None
                happens()
            yield row


def test_of_two_submissions_of_a_list_at_once_the_second_finds_it_submitted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_writer, "BATCH", 10)
    monkeypatch.setattr(part_writer, "PART", 20)  # the second has stored some when it loses
    options, reports = replace(OPTIONS, deadline="2h"), list[SubmitReport]()
    winner: dict[str, ObjectInfo] = {}

    def first() -> None:
        reports.append(submit_requests(settings, some_rows(100), options))
        winner.update(
            {key: info for key, info in objects(settings).items() if the_folder(settings) in key}
        )

    rows = Meanwhile(some_rows(100), first)
    reports.append(submit_requests(settings, rows, options))
    assert [report.before for report in reports] == [False, True]
    assert [report.accepted for report in reports] == [100, 100]
    # The loser has written its record: the first stays, and is written again.
    written = records(settings)
    assert len(written) == 3
    assert written[1].staged != written[0].staged
    assert read_campaigns(settings)["night"] == written[0] == written[2]
    left = objects(settings)
    assert {key: left[key] for key in winner} == winner, "the loser touched the winner's parts"
    assert len(left) > len(winner)
    assert Counter(map(ids_of, fed(settings))) == Counter(
        row.request_id for row in staged(settings)
    )


def test_of_two_submissions_of_one_name_at_once_the_second_is_refused(settings: Settings) -> None:
    def first() -> None:
        submit_requests(settings, some_rows(7), OPTIONS)

    with pytest.raises(InvalidInput, match=r"expected .*: 7 requests .*; got 10 requests "):
        submit_requests(settings, Meanwhile(some_rows(10), first), OPTIONS)
    assert read_campaigns(settings)["night"] == records(settings)[-1]
    assert len(staged(settings)) == 7
    assert len(fed(settings)) == 7


def test_many_submissions_at_once_are_one(settings: Settings, tmp_path: Path) -> None:
    path = a_list(tmp_path, 500)

    def one(number: int) -> SubmitReport:
        options = replace(OPTIONS, deadline="2h", rejected=tmp_path / f"rejected-{number}")
        return submit_file(settings, path, options)

    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(one, range(4)))
    assert sorted(report.before for report in reports) == [False, True, True, True]
    assert {report.accepted for report in reports} == {500}
    assert len(staged(settings)) == 500
    assert read_campaigns(settings)["night"] == records(settings)[-1]


def test_a_campaign_of_events_that_was_first_stays_one(settings: Settings) -> None:
    record = Campaign(campaign_id="night", state="open", created_at=datetime.now(UTC))
    rows = Meanwhile(some_rows(5), lambda: announce(producer(settings), settings, record))
    with pytest.raises(InvalidInput, match="got a campaign of events"):
        submit_requests(settings, rows, OPTIONS)
    assert read_campaigns(settings)["night"] == record == records(settings)[-1]


def test_a_campaign_cancelled_meanwhile_stays_so(settings: Settings) -> None:
    def first() -> None:
        submit_requests(settings, some_rows(5), OPTIONS)
        change_campaign(settings, "night", cancelled)

    with pytest.raises(InvalidInput, match="got cancelled"):
        submit_requests(settings, Meanwhile(some_rows(5), first), OPTIONS)
    assert read_campaigns(settings)["night"].state == "cancelled"
    assert len(fed(settings)) == 5, "each of the first list's requests ends as cancelled"


def test_after_a_loser_that_died_with_its_record_written_the_first_list_is_written_again(
    settings: Settings,
) -> None:
    """Compaction keeps the latest record alone: it must be the first list's."""
    submit_requests(settings, some_rows(5), OPTIONS)
    (first,) = records(settings)
    other = StagedList(
        staging="f" * 16,
        parts=(ListPart(rows=9, bytes=9, sha256="0" * 64),),
        digest="1" * 64,
        ids_digest="2" * 64,
    )
    announce(producer(settings), settings, msgspec.structs.replace(first, accepted=9, staged=other))
    assert records(settings)[-1].staged == other
    assert read_campaigns(settings)["night"] == first
    assert len(fed(settings)) == 5
    assert records(settings)[-1] == first


def test_a_missing_broker_is_reported_within_the_timeout(tmp_path: Path) -> None:
    nowhere = Settings(kafka=KafkaSettings(bootstrap="127.0.0.1:1", start_timeout=1.5))
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 within 1.5 s.*SEEDCAST_KAFKA_BOOTSTRAP"):
        submit_file(nowhere, a_list(tmp_path, 5), OPTIONS)


def with_store(settings: Settings, port: int, start_timeout: float = 30.0) -> Settings:
    """Return settings that reach the object store through another port."""
    kafka = settings.kafka.model_copy(update={"start_timeout": start_timeout})
    s3 = settings.s3.model_copy(update={"endpoint": f"http://127.0.0.1:{port}"})
    return settings.model_copy(update={"kafka": kafka, "s3": s3})


def test_a_missing_store_is_reported_within_the_timeout_and_no_row_is_read(
    settings: Settings,
) -> None:
    def rows() -> Iterator[Came]:
        pytest.fail("a row was read")
        yield {}

    with pytest.raises(
        Unreachable, match=r"object store does not answer; expected .*:1 within 1\.5 s"
    ) as caught:
        submit_requests(with_store(settings, 1, 1.5), rows(), OPTIONS)
    assert caught.value.exit_code == 3
    assert records(settings) == []


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    """A way to the object store that can be cut."""
    proxy = Proxy(int(settings.s3.endpoint.rpartition(":")[2]))
    yield proxy
    proxy.close()


STAGES = {  # by the key of an object and what is put there
    "the first part": lambda key, _: key.endswith(part_name(0)),
    "a later part": lambda key, _: key.endswith(part_name(2)),
    "the last part": lambda key, _: key.endswith(part_name(4)),
    "the rejected rows": lambda key, _: key.endswith("_rejected.jsonl"),
    "the mark at the end": lambda key, data: key.endswith(BEGUN) and data == b"",
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("stage", STAGES)
def test_a_store_that_is_away_is_waited_for_and_the_progress_says_so(
    settings: Settings, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr(part_writer, "BATCH", 10)
    monkeypatch.setattr(part_writer, "PART", 20)
    seen = list[SubmitProgress]()

    def on_progress(progress: SubmitProgress) -> None:
        seen.append(progress)
        if len([one for one in seen if one.waiting]) == 2:  # it is tried again, and again
            proxy.heal()

    def cut_at(method: str) -> None:
        store = getattr(S3Store, method)

        def cut(self: S3Store, key: str, *rest: object) -> object:
            if STAGES[stage](key, rest[0]) and not any(one.waiting for one in seen):
                proxy.fail(Fault(cut=True))
            return store(self, key, *rest)

        monkeypatch.setattr(S3Store, method, cut)

    cut_at("put")
    cut_at("put_file")
    rows = [*some_rows(100), {"id": "x", "text": "…"}]
    with capture_logs() as logged:
        report = submit_requests(with_store(settings, proxy.port), rows, OPTIONS, on_progress)
    assert [entry["event"] for entry in logged] == ["unavailable"], "it is logged once"
    assert (report.accepted, report.rejected) == (100, 1)
    assert_submitted(settings, report, 100)
    waiting = [one.waiting for one in seen]
    assert sum(map(bool, waiting)) >= 2
    assert all("storing _lists/night/" in said for said in waiting if said)
    assert waiting[-1] is None


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """Ctrl-C works, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_ends_the_wait_for_a_store_and_nothing_was_submitted(
    settings: Settings, proxy: Proxy
) -> None:
    main = threading.main_thread().ident
    assert main

    def on_progress(progress: SubmitProgress) -> None:
        if progress.waiting and not interrupts.ident:
            interrupts.start()

    # By then it waits for the next attempt, or for the answer to it.
    interrupts = threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGINT))
    rows = Meanwhile(some_rows(10), lambda: proxy.fail(Fault(cut=True)))
    with pytest.raises(KeyboardInterrupt):
        submit_requests(with_store(settings, proxy.port), rows, OPTIONS, on_progress)
    assert records(settings) == []
    assert names(settings) == ["_begun"]
    proxy.heal()
    assert_submitted(settings, submit_requests(settings, some_rows(10), OPTIONS), 10)


@pytest.mark.slow
def test_a_broker_that_is_away_when_the_list_is_stored_is_waited_for(
    stoppable_stack: Stack,
) -> None:
    """For longer than a start would wait for it."""
    settings = fresh(stoppable_stack)
    kafka = settings.kafka.model_copy(update={"start_timeout": 3.0})
    impatient = settings.model_copy(update={"kafka": kafka})
    seen, waits = list[str | None](), threading.Event()

    def on_progress(progress: SubmitProgress) -> None:
        seen.append(progress.waiting)
        if progress.waiting:
            waits.set()

    def restart() -> None:
        waits.wait()
        stoppable_stack.start_broker()

    operator = threading.Thread(target=restart)
    operator.start()
    rows = Meanwhile(some_rows(10), stoppable_stack.stop_broker)
    report = submit_requests(impatient, rows, OPTIONS, on_progress)
    operator.join()
    assert any(said and "campaigns" in said for said in seen)
    assert seen[-1] is None, "the progress still says that it waits"
    eventually(lambda: records(settings), what="the broker to answer")
    # What was sent before the outage ended may have arrived twice.
    assert len(set(map(str, records(settings)))) == 1
    assert report.accepted == len(staged(settings)) == len(fed(settings)) == 10


def test_a_list_that_was_stored_too_slowly_is_not_committed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_record, "STAGED_WITHIN", timedelta())
    with pytest.raises(InvalidInput, match="expected a list that is stored within"):
        submit_requests(settings, some_rows(5), OPTIONS)
    assert records(settings) == []
    monkeypatch.undo()
    assert submit_requests(settings, some_rows(5), OPTIONS).accepted == 5


def test_a_part_that_is_altered_or_missing_is_named(settings: Settings) -> None:
    submit_requests(settings, some_rows(5), OPTIONS)
    store, key = S3Store(settings.s3), the_folder(settings) + part_name(0)
    data = store.get(store.uri(key))
    store.put(key, data[:-1], "")
    said = r"campaign night: s3://.*/part-00000\.parquet; expected {:,} bytes with SHA-256 .*; got "
    with pytest.raises(ListDamaged, match=said.format(len(data)) + rf"{len(data) - 1:,} bytes"):
        staged(settings)
    store.delete(store.uri(key))
    with pytest.raises(ListDamaged, match=said.format(len(data)) + "no object; restore") as caught:
        staged(settings)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("content", "got"), [("id,text\na,…\nb,…\n", "2 invalid rows; see "), ("id,text\n", "no rows")]
)
def test_a_list_without_a_valid_row_opens_no_campaign(
    settings: Settings, tmp_path: Path, content: str, got: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(content)
    with pytest.raises(
        InvalidInput, match=rf"nothing to submit in list\.csv; expected at least .*; got {got}"
    ):
        submit_file(settings, path, OPTIONS)
    assert records(settings) == []
    assert names(settings) in ([], ["_begun"])
    assert path.with_name("list.csv.rejected.jsonl").exists() == ("…" in content)


def test_the_name_of_a_list_may_be_no_text(settings: Settings, tmp_path: Path) -> None:
    path = a_list(tmp_path, 3).rename(tmp_path / "l\udcff\x1b.csv")
    assert submit_file(settings, path, OPTIONS).accepted == 3
    (record,) = records(settings)
    assert record.staged
    assert record.staged.options["list"] == r"l\udcff\x1b.csv"


def test_a_hot_voice_spreads_over_partitions_and_keeps_its_key(settings: Settings) -> None:
    def spread_over(campaign: str, spread: int) -> list[Record]:
        rows: Iterable[Came] = ({"text": f"Message {number}."} for number in range(400))
        submit_requests(settings, rows, SubmitOptions(campaign=campaign, voice=2222, spread=spread))
        feed(settings)
        return [
            record for record in on_topic(settings, REQUESTS) if campaign.encode() in record.value
        ]

    assert {(record.key, record.partition.number) for record in spread_over("one", 1)} == {
        (b"2222", crc32(b"2222") % 4)
    }
    for campaign, spread in (("wide", 4), ("three", 3)):
        counts = Counter(record.partition.number for record in spread_over(campaign, spread))
        assert len(counts) == spread
        assert max(counts.values()) < 2 * 400 / spread


def test_urgent_rows_go_to_their_own_topic(settings: Settings) -> None:
    rows: list[Came] = [{"text": "Now.", "priority": "urgent"}, {"text": "Later."}]
    assert submit_requests(settings, rows, SubmitOptions(campaign="night", voice=1)).accepted == 2
    assert [request.text for request in fed(settings, REQUESTS_URGENT)] == ["Now."]
    assert [request.text for request in fed(settings)] == ["Later."]


def test_requests_that_the_caller_made_are_staged_unchanged(settings: Settings) -> None:
    request = a_request(request_id="chosen-by-the-caller", metadata={"crm": "7"})
    wrong = a_request(request_id="another-request", profiles=("gramophone",))
    report = submit_requests(settings, [request, request, wrong], SubmitOptions(campaign="night"))
    assert (report.accepted, report.duplicates, report.rejected) == (1, 1, 1)
    (row,) = staged(settings)
    assert (row.request, row.row, row.source) == (request, 1, None)
    assert fed(settings) == [request]


def elsewhere(settings: Settings, home: Path, **kafka: object) -> Settings:
    """Return settings for the same brokers, for a user who did not start them."""
    changed = settings.kafka.model_copy(update=kafka)
    return settings.model_copy(update={"home": home, "kafka": changed})


def test_on_a_cluster_of_others_no_topic_is_created(settings: Settings, tmp_path: Path) -> None:
    other = elsewhere(settings, tmp_path, prefix=f"{settings.kafka.prefix}-none")
    with pytest.raises(
        TopicMismatch, match=r"a topic is missing; expected .*-none\.campaigns; .*topics create"
    ):
        submit_requests(other, [{"text": "Hello."}], OPTIONS_BY_ROW)
    assert not [name for name in Admin(settings).existing() if name.startswith(other.kafka.prefix)]
    assert objects(settings) == {}


def test_on_a_cluster_of_others_existing_topics_are_used_unchanged(
    settings: Settings, tmp_path: Path
) -> None:
    other = elsewhere(settings, tmp_path, partitions=48, replication=3)
    assert_submitted(settings, submit_requests(other, [{"text": "Hello."}], OPTIONS_BY_ROW), 1)


def test_on_the_embedded_stack_topics_are_created(settings: Settings) -> None:
    other = elsewhere(settings, settings.home, prefix=f"{settings.kafka.prefix}-new")
    assert_submitted(other, submit_requests(other, [{"text": "Hello."}], OPTIONS_BY_ROW), 1)


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
    texts = [row.request.text for name in ("rows", "file") for row in staged(settings, name)]
    assert texts == ["Dear Anna.", "Dear Omar.", "Dear Ines."]
