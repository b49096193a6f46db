"""A campaign's rows and audio come out of a real Kafka and S3, by an index and without one."""

import csv
import hashlib
import io
import json
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import openpyxl
import pyarrow.parquet as pq
import pytest

from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.codec import encode_json
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import Campaign, Rendition, RequestError, SpeechResult, Status
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.storage.campaign_rows import rows_of
from seedcast.storage.export.audio import UNFINISHED
from seedcast.storage.index import term
from seedcast.storage.index.database import open_database
from seedcast.storage.index.values import unix_ms
from seedcast.storage.index.writer import IndexWriter
from seedcast.storage.s3 import S3Store
from tests.builders.deployments import Spawn, rows, run
from tests.builders.indexed_topics import with_index
from tests.builders.topics import producer, send

pytestmark = pytest.mark.integration

NIGHT = "night"
LIST = [
    {"id": "a-1", "text": "Hello Anna.", "voice": 1, "city": "Łódź"},
    {"id": "=2+3", "text": "Hello Omar.", "voice": 2, "city": "=HYPERLINK()"},
    {"id": "a-3", "text": "", "voice": 3, "city": "rejected"},
    {"id": "a-4", "text": "Hello Grace.", "voice": 4, "city": "x"},
    {"id": "a-5", "text": "Hello Li.", "voice": 5, "city": "x"},
    {"id": "a-6", "text": "Hello Ida.", "voice": 6, "city": "x"},
]
SOURCES = ("index", "topics")


def rendition(settings: Settings, profile: str, data: bytes) -> Rendition:
    """Return that of an object, which is stored."""
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"{NIGHT}/{sha256[:2]}/{sha256}.ogg"
    return Rendition(
        profile=profile,
        uri=S3Store(settings.s3).put(key, data, "audio/ogg"),
        format="ogg-opus",
        sample_rate=16_000,
        duration=1.25,
        bytes=len(data),
        sha256=sha256,
    )


def a_result(
    request_id: str, status: Status, own_id: str, *audio: Rendition, campaign: str = NIGHT
) -> SpeechResult:
    error = RequestError(code="engine_error" if status == "failed" else status, message="=no")  # type: ignore[arg-type]
    return SpeechResult(
        request_id=request_id,
        campaign_id=campaign,
        status=status,
        renditions=audio,
        error=None if status == "succeeded" else error,
        metadata={"id": own_id},
    )


def publish(settings: Settings, *results: SpeechResult) -> None:
    send(settings, RESULTS, [(each.request_id.encode(), encode_json(each)) for each in results])


def submit(settings: Settings) -> dict[str, str]:
    """Submit the list; return the request id of each own id."""
    submit_requests(settings, LIST, SubmitOptions(campaign=NIGHT, id_column="id"))
    staged = rows_of(settings, read_campaigns(settings)[NIGHT])
    return {row.request.metadata["id"]: row.request_id for row in staged}


@pytest.fixture
def night(settings: Settings) -> dict[str, str]:
    """A campaign of every outcome, with a row that waits, one that was rejected, and a stray."""
    ids = submit(settings)
    both = [rendition(settings, name, f"audio {name}".encode()) for name in ("phone", "radio")]
    publish(
        settings,
        a_result(ids["a-1"], "succeeded", "a-1", *both),
        a_result(ids["=2+3"], "failed", "=2+3"),
        a_result(ids["a-4"], "expired", "a-4"),
        a_result(ids["a-5"], "cancelled", "a-5"),
        a_result(ids["a-5"], "failed", "a-5"),  # a repeat
        a_result("stray-00001", "succeeded", "?", both[0]),
    )
    return ids


# A test of its own shows that both tell the same.
@pytest.fixture(params=["index", pytest.param("topics", marks=pytest.mark.slow)])
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def of(source: str, settings: Settings, folder: Path) -> Settings:
    return with_index(settings, folder) if source == "index" else settings


def read(path: Path) -> list[dict[str, Any]]:
    match path.suffix:
        case ".csv":
            return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
        case ".jsonl":
            return [json.loads(line) for line in path.read_text().splitlines()]
        case ".parquet":
            found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
            return found
    titles, *lines = openpyxl.load_workbook(path)["list"].iter_rows(values_only=True)
    return [dict(zip(titles, line, strict=True)) for line in lines]  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "jsonl"])
def test_every_outcome_is_exported_and_its_links_work(
    settings: Settings, night: dict[str, str], tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"list.{ending}"
    indexed = with_index(settings, tmp_path)
    done = run(indexed, "export", NIGHT, "-o", path, "--urls", "1h", "--with-columns")
    assert done.returncode == 0, done.stderr
    assert "6 lines of 5 requests, 2 with audio, 1 waiting" in done.stdout
    assert "1 results are not of its list" in done.stderr
    assert "topics are read" not in done.stderr
    lines = read(path)
    is_harmless = ending in ("csv", "xlsx")
    assert [(line["id"], int(line["row"]), line["status"]) for line in lines] == [
        ("a-1", 1, "succeeded"),
        ("a-1", 1, "succeeded"),
        ("'=2+3" if is_harmless else "=2+3", 2, "failed"),
        ("a-4", 4, "expired"),
        ("a-5", 5, "cancelled"),
        ("a-6", 6, "waiting"),
    ]
    assert lines[2]["error"] == ("'=no" if is_harmless else "=no")
    assert [line["city"] for line in lines[1:3]] == [
        "Łódź",
        "'=HYPERLINK()" if is_harmless else "=HYPERLINK()",
    ]
    for line in lines[:2]:
        with urlopen(line["link"]) as answer:  # noqa: S310
            assert hashlib.sha256(answer.read()).hexdigest() == line["sha256"]
    assert not any(line["link"] or line["uri"] for line in lines[2:])


def test_the_topics_tell_the_same_as_the_index_and_it_is_said(
    settings: Settings, night: dict[str, str], tmp_path: Path
) -> None:
    told = {}
    for source in SOURCES:
        asked = of(source, settings, tmp_path)
        export = run(asked, "export", NIGHT, "-o", "-", "--format", "jsonl")
        strays = run(asked, "export", NIGHT, "-o", "-", "--status", "stray", "--status", "waiting")
        results = run(asked, "results", "--campaign", NIGHT, "--json")
        campaigns = run(asked, "campaigns", "--json")
        for done in (export, strays, results, campaigns):
            assert done.returncode == 0, done.stderr
            assert done.stderr.count("topics are read instead") == (source == "topics")
        assert [line["id"] for line in csv.DictReader(io.StringIO(strays.stdout))] == ["a-6", "?"]
        told[source] = [
            export.stdout,
            strays.stdout,
            sorted(results.stdout.splitlines()),
            rows(campaigns),
        ]
    assert told["index"] == told["topics"]
    (campaign,) = told["index"][3]
    assert (campaign["failed"], campaign["strays"], campaign["accepted"]) == (1, 1, 5)


def test_what_the_index_has_not_read_is_said_and_found(
    settings: Settings, night: dict[str, str], tmp_path: Path
) -> None:
    indexed = with_index(settings, tmp_path)
    late = a_result(night["a-6"], "succeeded", "a-6", rendition(settings, "phone", b"late"))
    publish(settings, late)
    done = run(indexed, "results", "--campaign", NIGHT)
    assert "the index is 1 results behind" in done.stderr
    file = tmp_path / "late.ogg"
    assert run(indexed, "fetch", night["a-6"], "-o", file).returncode == 0
    assert file.read_bytes() == b"late"
    (status,) = rows(run(indexed, "index", "status", "--json"))
    assert (status["behind"], status["requests"], status["campaigns"]) == (1, 6, 1)
    with_index(settings, tmp_path)
    assert "behind" not in run(indexed, "results", "--campaign", NIGHT).stderr
    submit_requests(settings, LIST, SubmitOptions(campaign="day", id_column="id"))
    export = run(indexed, "export", "day", "-o", tmp_path / "day.csv")
    assert "the index does not have all of campaign day yet" in export.stderr
    assert len(read(tmp_path / "day.csv")) == 5


def test_a_campaign_of_events_has_no_rows_and_no_strays(
    settings: Settings, tmp_path: Path, source: str
) -> None:
    record = Campaign(campaign_id="orders", state="open", created_at=datetime.now(UTC))
    announce(producer(settings), settings, record)
    audio = rendition(settings, "phone", b"order")
    publish(settings, a_result("order-00001", "succeeded", "o-1", audio, campaign="orders"))
    # Of a campaign without a record, as producers in other languages have them.
    publish(settings, a_result("other-00001", "failed", "x-1", campaign="other"))
    asked = of(source, settings, tmp_path)
    for name, expected in (("orders", ("o-1", "succeeded")), ("other", ("x-1", "failed"))):
        path = tmp_path / f"{name}.parquet"
        assert run(asked, "export", name, "-o", path).returncode == 0
        (line,) = read(path)
        assert (line["id"], line["status"], line["row"]) == (*expected, None)
    refused = run(asked, "export", "orders", "-o", tmp_path / "x.csv", "--with-columns")
    assert refused.returncode == 2
    assert "one whose list was staged" in refused.stderr
    assert run(asked, "fetch", "orders", tmp_path / "audio").returncode == 0
    assert (tmp_path / "audio/o-1.phone.ogg").read_bytes() == b"order"
    unknown = run(asked, "export", "ordres", "-o", path)
    assert unknown.returncode == 2
    assert "orders" in unknown.stderr


def test_all_audio_of_a_campaign_is_fetched(
    settings: Settings, night: dict[str, str], tmp_path: Path, source: str
) -> None:
    asked, folder = of(source, settings, tmp_path), tmp_path / "audio"
    (report,) = rows(run(asked, "fetch", NIGHT, folder, "--json"))
    assert (report["fetched"], report["kept"], report["failed"]) == (2, 0, 0)
    assert report["without_audio"] == {"failed": 1, "expired": 1, "cancelled": 1, "waiting": 1}
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert found == {"a-1.phone.ogg": b"audio phone", "a-1.radio.ogg": b"audio radio"}
    collision = run(asked, "fetch", NIGHT, folder, "--name", "{id}.{ext}")
    assert collision.returncode == 2
    assert "two files of one name: a-1.ogg" in collision.stderr
    store = S3Store(asked.s3)
    store.delete(rendition(asked, "phone", b"audio phone").uri)
    (folder / "a-1.phone.ogg").unlink()
    done = run(asked, "fetch", NIGHT, folder)
    assert done.returncode == 1
    assert "a-1.phone.ogg (row 1, id 'a-1'" in done.stderr
    assert "1 there already, 1 not as they should be" in done.stdout


def test_a_row_is_fetched_by_the_lists_own_id_or_its_number(
    settings: Settings, night: dict[str, str], tmp_path: Path, source: str
) -> None:
    asked, file = of(source, settings, tmp_path), tmp_path / "one.ogg"
    for wanted in ("a-1", "1", night["a-1"]):
        done = run(asked, "fetch", wanted, "--campaign", NIGHT, "-o", file, "--profile", "radio")
        assert done.returncode == 0, done.stderr
        assert file.read_bytes() == b"audio radio"
        file.unlink()
    waits = run(asked, "fetch", "a-6", "--campaign", NIGHT, "-o", file)
    assert waits.returncode == 2
    assert "no result yet" in waits.stderr


def test_links_that_no_store_gives_are_refused_before_anything_is_written(
    settings: Settings, night: dict[str, str], tmp_path: Path
) -> None:
    done = run(settings, "export", NIGHT, "-o", tmp_path / "list.csv", "--urls", "8d")
    assert done.returncode == 2
    assert "1 second to 7 days" in done.stderr
    assert not (tmp_path / "list.csv").exists()


def test_a_fetch_that_is_killed_goes_on_where_it_was(
    settings: Settings, tmp_path: Path, seedcast: Spawn
) -> None:
    sounds = {f"o-{n}.phone.ogg": b"%d " % n * 5000 for n in range(60)}
    results = [
        a_result(f"order-{n:05d}", "succeeded", f"o-{n}", rendition(settings, "phone", data))
        for n, data in enumerate(sounds.values())
    ]
    publish(settings, *results)
    asked, folder = with_index(settings, tmp_path), tmp_path / "audio"
    killed = seedcast(["fetch", NIGHT, folder], asked, SEEDCAST_FAILPOINT="fetch.written:30")
    assert killed.wait() == -signal.SIGKILL
    before = {path.name for path in folder.glob("*.ogg")}
    assert 0 < len(before) < 60
    assert any((folder / UNFINISHED).iterdir())
    (report,) = rows(run(asked, "fetch", NIGHT, folder, "--json"))
    assert (report["kept"], report["fetched"]) == (len(before), 60 - len(before))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == sounds


def test_the_index_is_made_emptied_and_described(
    settings: Settings, night: dict[str, str], tmp_path: Path
) -> None:
    none = run(settings, "index", "status", "--json")  # of the embedded stack, without an indexer
    assert (none.returncode, json.loads(none.stdout)["revision"]) == (1, None)
    url = f"sqlite:///{tmp_path / 'index.db'}"
    fresh = settings.model_copy(update={"index": type(settings.index).model_validate({"url": url})})
    (made,) = rows(run(fresh, "index", "migrate", "--json"))
    assert made["before"] is None
    (again,) = rows(run(fresh, "index", "migrate", "--json"))
    assert again == {"before": made["revision"], "revision": made["revision"]}
    full = with_index(settings, tmp_path)
    (status,) = rows(run(full, "index", "status", "--json"))
    assert (status["url"], status["requests"], status["behind"]) == (url, 6, 0)
    assert run(full, "index", "rebuild").returncode == 1  # nobody answers the question
    assert rows(run(full, "index", "status", "--json"))[0]["requests"] == 6
    assert rows(run(full, "index", "rebuild", "--yes", "--json"))[0]["removed"] == 6
    (status,) = rows(run(full, "index", "status", "--json"))
    assert (status["requests"], status["behind"]) == (0, 6)
    export = run(full, "export", NIGHT, "-o", tmp_path / "list.csv")
    assert (export.returncode, len(read(tmp_path / "list.csv"))) == (0, 6)


def test_a_damaged_index_ends_every_command_that_asks_it_until_it_is_made_anew(
    settings: Settings, night: dict[str, str], tmp_path: Path
) -> None:
    asked, file = with_index(settings, tmp_path), tmp_path / "index.db"
    file.write_bytes(b"no database" * 1000)
    for command in (
        ["campaigns"],
        ["results"],
        ["export", NIGHT, "-o", tmp_path / "list.csv"],
        ["fetch", NIGHT, tmp_path / "audio"],
        ["where", NIGHT, "a-1"],
        ["index", "status"],
        ["run", "indexer"],
    ):
        refused = run(asked, *command)
        assert refused.returncode == 3, command
        assert "`seedcast index rebuild`" in refused.stderr + refused.stdout, command
    assert run(asked, "index", "rebuild").returncode == 1  # nobody answers the question
    assert file.read_bytes().startswith(b"no database")
    (done,) = rows(run(asked, "index", "rebuild", "--yes", "--json"))
    assert Path(done["damaged"]).read_bytes().startswith(b"no database")
    export = run(with_index(settings, tmp_path), "export", NIGHT, "-o", tmp_path / "list.csv")
    assert (export.returncode, export.stderr.count("topics")) == (0, 0)


def test_what_was_deleted_from_the_index_is_said_with_where_it_lies(
    settings: Settings, night: dict[str, str], tmp_path: Path
) -> None:
    asked = with_index(settings, tmp_path)
    with open_database(asked.index, read_only=False) as database:
        with database.transaction("beginning a term") as connection:
            number = term.begin(connection, "test")
        writer = IndexWriter(database, "results", number, {})
        writer.prune(NIGHT, unix_ms(datetime(2026, 12, 24, tzinfo=UTC)), 100)
    for command in (
        ["export", NIGHT, "-o", tmp_path / "list.csv"],
        ["fetch", NIGHT, tmp_path / "audio"],
        ["where", NIGHT, "a-1"],
        ["results", "--campaign", NIGHT],
    ):
        refused = run(asked, *command)
        assert refused.returncode == 2, command
        assert "2026-12-24" in refused.stderr, command
        assert f"_lists/{NIGHT}/results.parquet" in refused.stderr, command
    (shown,) = rows(run(asked, "campaigns", "show", NIGHT, "--json"))
    assert (shown["succeeded"], shown["strays"], shown["pruned_at"][:10]) == (1, 1, "2026-12-24")
    listed = run(asked, "results")
    assert (listed.stdout, "1 campaigns were deleted" in listed.stderr) == ("", True)
