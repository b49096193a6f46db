"""What a team reads and changes over HTTP: pages, whole lists, retries, terms."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import psutil
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.schemas.messages import Outputs, SpeechRequest
from seedcast.settings import IndexSettings
from seedcast.storage.campaign_rows import rows_of
from seedcast.storage.index import term
from seedcast.storage.index.database import open_database
from seedcast.storage.index.writer import IndexWriter
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import folder, part_name
from tests.builders.deployments import run
from tests.builders.indexing import ended, publish
from tests.builders.requests import a_request
from tests.builders.staged import STAGING, stage
from tests.builders.topics import producer
from tests.builders.waiting import eventually
from tests.integration.test_gateway import Served, served

__all__ = ["served"]
pytestmark = pytest.mark.integration

STATUSES = ("succeeded", "failed", "expired", "cancelled")
COUNT = 9  # rows: the statuses take turns, and the last has no result


def stage_night(
    served: Served, name: str, count: int = COUNT, unended: int = 1
) -> list[SpeechRequest]:
    """Stage a list of the tenant `bank`; all but its last rows have a result in the index."""
    requests = [
        a_request(request_id=f"{name}-{n:05d}", campaign_id=name, metadata={"id": f"={n}"})
        for n in range(1, count + 1)
    ]
    sources = [{"city": f"=city {n}"} for n in range(count)]
    record = stage(S3Store(served.settings.s3), name, requests[:4], requests[4:], sources=sources)
    record = replace(record, tenant="bank", created_at=datetime.now(UTC))
    announce(producer(served.settings), served.settings, record)
    results = [ended(each, STATUSES[n % 4]) for n, each in enumerate(requests[: count - unended])]
    publish(served.settings, results)
    with served.client("read") as client:

        def is_there() -> bool:
            answer = client.get(f"/v1/campaigns/{name}/requests", params={"status": "pending"})
            return answer.status_code == 200 and len(answer.json()["data"]) == unended

        eventually(is_there, what=f"the results of {name} in the index")
    return requests


@pytest.fixture(scope="module")
def night(served: Served) -> list[SpeechRequest]:
    return stage_night(served, "night")


def walked(client: httpx.Client, path: str, **query: object) -> list[str]:
    """Return the statuses of all pages of two."""
    found, after = list[str](), {}
    while True:
        answer = client.get(path, params={"limit": 2, **query, **after})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [each["status"] for each in page["data"]]
        assert len(page["data"]) <= 2
        assert page["has_more"] is (page["after"] is not None)
        if not page["has_more"]:
            return found
        after = {"after": page["after"]}


def test_pages_of_requests_and_errors_are_in_the_lists_order(
    served: Served, night: list[SpeechRequest]
) -> None:
    path = "/v1/campaigns/night"
    with served.client("read") as client:
        assert walked(client, f"{path}/requests") == [*STATUSES, *STATUSES, "pending"]
        assert walked(client, f"{path}/errors") == [*STATUSES[1:], *STATUSES[1:]]
        assert walked(client, f"{path}/requests", status="succeeded") == ["succeeded"] * 2
        asked = ["pending", "failed"]
        assert walked(client, f"{path}/requests", status=asked) == ["failed", "failed", "pending"]
        [first] = client.get(f"{path}/requests", params={"limit": 1}).json()["data"]
    assert (first["row"], first["id"], len(first["renditions"])) == (1, "=1", 2)
    assert "text" not in first


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        ("requests", {"status": "spoken"}, "status"),
        ("requests", {"limit": 1001}, "limit"),
        ("errors", {"after": "7"}, "after"),
        ("errors", {"after": "9" * 5000 + ":request-1"}, "after"),
        ("results.csv", {"profile": "gramophone"}, "profile"),
        ("results.csv", {"status": "pending"}, "status"),
        ("results.csv", {"urls": "8d"}, "urls"),
        ("results.csv", {"urls": "soon"}, "urls"),
        ("results.csv", {"with_columns": "perhaps"}, "with_columns"),
    ],
)
def test_a_wrong_parameter_is_named(
    served: Served, night: list[SpeechRequest], path: str, query: dict[str, object], param: str
) -> None:
    with served.client() as client:
        answer = client.get(f"/v1/campaigns/night/{path}", params=query)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text


def parsed(answer: httpx.Response) -> list[dict[str, object]]:
    assert answer.status_code == 200, answer.text
    match answer.headers["content-type"].partition(";")[0]:
        case "text/csv":
            return list(csv.DictReader(io.StringIO(answer.text, newline="")))  # type: ignore[arg-type]
        case "application/jsonl":
            return [json.loads(line) for line in answer.text.splitlines()]
    found: list[dict[str, object]] = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    return found


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_list_is_what_the_command_exports(
    served: Served,
    night: list[SpeechRequest],
    ending: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with served.client() as client:
        answer = client.get(
            f"/v1/campaigns/night/results.{ending}",
            params={"profile": "phone", "status": ["succeeded", "failed"], "with_columns": ""},
        )
    lines = parsed(answer)
    assert [line["status"] for line in lines] == ["succeeded", "failed"] * 2
    assert lines[0]["profile"] == "phone"
    mark = "'" if ending == "csv" else ""
    assert (lines[0]["id"], lines[0]["city"]) == (f"{mark}=1", f"{mark}=city 0")
    assert f'filename="night.{ending}"' in answer.headers["content-disposition"]
    path = tmp_path_factory.mktemp("export") / f"list.{ending}"
    options = ("--profile", "phone", "--status", "succeeded", "--status", "failed")
    done = run(served.settings, "export", "night", "-o", path, *options, "--with-columns")
    assert done.returncode == 0, done.stderr
    assert path.read_bytes().removeprefix("\ufeff".encode()) == answer.content


def test_links_and_own_columns_need_more_than_the_right_to_read(
    served: Served, night: list[SpeechRequest]
) -> None:
    path = "/v1/campaigns/night/results.jsonl"
    with served.client("read") as reader, served.client("read", "listen") as listener:
        assert reader.get(path, params={"urls": "1h"}).status_code == 403
        assert listener.get(path, params={"with_columns": ""}).status_code == 403
        lines = parsed(listener.get(path, params={"urls": "1h"}))
    assert lines[0]["link"] is None, "an address of another bucket is not signed"
    assert "link" in lines[1]


def test_what_failed_is_retried_once(served: Served, night: list[SpeechRequest]) -> None:
    with served.client("submit") as client:
        body = {"campaign_id": "again", "deadline": "2h"}
        answer = client.post("/v1/campaigns/night/retry", json=body)
        assert (answer.status_code, answer.json()["campaign_id"]) == (200, "again"), answer.text
        assert answer.json()["asked"] == {"engine_error": 4}
        record = read_campaigns(served.settings)["again"]
        assert (record.retry_of, record.tenant, record.accepted) == ("night", "bank", 4)
        assert len(list(rows_of(served.settings, record))) == 4
        assert client.post("/v1/campaigns/night/retry", json=body).json() == answer.json()
        unnamed = client.post("/v1/campaigns/night/retry").json()
        assert (unnamed["campaign_id"], unnamed["under_way"]) == (None, 4)
        taken = client.post("/v1/campaigns/night/retry", json={"campaign_id": "night"})
        assert (taken.status_code, taken.json()["error"]["param"]) == (409, "campaign_id")
        wrong = client.post("/v1/campaigns/night/retry", json={"deadline": "soon"})
        assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "deadline")


@pytest.mark.slow
def test_a_retry_that_takes_long_has_the_address_of_its_campaign(served: Served) -> None:
    stage_night(served, "long")
    gateway, body = psutil.Process(served.gateway.pid), {"campaign_id": "long-again"}
    path = "/v1/campaigns/long/retry"

    def commands() -> list[psutil.Process]:
        return [each for each in gateway.children(recursive=True) if "retry" in each.cmdline()]

    with served.client("submit", "read") as client, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.post, path, json=body)
        eventually(lambda: bool(commands()), what="the command")
        [command] = commands()
        command.suspend()
        other = client.post(path, json={"campaign_id": "long-other"})
        assert (other.status_code, other.json()["error"]["code"]) == (409, "wrong_state")
        assert int(other.headers["retry-after"]) > 0
        answer = asked.result()
        assert (answer.status_code, answer.json()["campaign_id"]) == (202, "long-again")
        url = answer.headers["location"]
        assert answer.json()["url"] == url == "/v1/campaigns/long-again"
        assert client.get(url).status_code == 404, "it is not staged yet"
        command.resume()
        eventually(lambda: client.get(url).status_code == 200, what="the new campaign")
        eventually(lambda: client.post(path, json=body).status_code == 200, what="its report")


def test_of_requests_that_were_deleted_the_file_is_left(served: Served) -> None:
    stage_night(served, "old", unended=0)

    def has_outputs() -> bool:
        return isinstance(read_campaigns(served.settings)["old"].outputs, Outputs)

    eventually(has_outputs, what="the files of a list that has ended")
    delete_requests(served.settings.index, "old")
    with served.client() as client:
        for name in ("requests", "errors", "results.csv", "results.parquet?profile=phone"):
            gone = client.get(f"/v1/campaigns/old/{name}")
            assert (gone.status_code, gone.json()["error"]["code"]) == (410, "deleted"), name
            assert "results.parquet without options is left" in gone.json()["detail"]
        path = "/v1/campaigns/old/results.parquet"
        # The index hears of the file a moment after the topic.
        eventually(lambda: client.get(path).status_code == 307, what="the file's address")
        left = client.get(path)
        assert left.headers["cache-control"] == "no-store"
        kept = httpx.get(left.headers["location"])
    rows = pq.read_table(io.BytesIO(kept.content))["row"].to_pylist()  # one for each profile
    assert set(rows) == set(range(1, COUNT + 1))


def delete_requests(settings: IndexSettings, name: str) -> None:
    """Delete a campaign's requests, as the indexer does once they are old enough."""
    with open_database(settings, read_only=False) as database:
        with database.transaction("beginning a term") as connection:
            number = term.begin(connection, "test")
        IndexWriter(database, "results", number, {}).prune(name, 1, 100)


def test_of_a_list_that_cannot_be_read_what_was_spoken_is_read(served: Served) -> None:
    requests = [a_request(request_id=f"hidden-{n}", campaign_id="hidden") for n in range(2)]
    store = S3Store(served.settings.s3)
    record = stage(store, "hidden", requests)
    store.delete(store.uri(folder("hidden", STAGING) + part_name(0)))
    record = replace(record, tenant="bank", created_at=datetime.now(UTC))
    announce(producer(served.settings), served.settings, record)
    publish(served.settings, [ended(requests[0], "succeeded")])
    with served.client() as client:
        path = "/v1/campaigns/hidden"

        def is_held() -> bool:
            shown = client.get(path)
            return shown.status_code == 200 and "part-00000" in (shown.json()["held"] or "")

        def rows() -> list[dict[str, object]]:
            answer = client.get(f"{path}/requests")
            return list(answer.json()["data"]) if answer.status_code == 200 else []

        eventually(is_held, what="why the campaign is held")
        eventually(rows, what="the request with a result")
        assert [each["request_id"] for each in rows()] == ["hidden-0"]
        assert client.get(f"{path}/errors").json()["data"] == []
        assert "hidden-0" in client.get(f"{path}/results.jsonl").text


def test_terms_are_changed_and_null_takes_one_away(
    served: Served, night: list[SpeechRequest]
) -> None:
    path, media = "/v1/campaigns/night", {"content-type": "application/merge-patch+json"}
    given = {"weight": 2, "rate": "30/min", "window": "20:00-06:00", "zone": "Asia/Shanghai"}
    with served.client("operate") as client:
        answer = client.patch(path, content=json.dumps(given), headers=media)
        assert answer.status_code == 200, answer.text
        assert answer.json() | given | {"rate": 0.5} == answer.json()
        later = client.patch(path, json={"window": None, "rate": None, "deadline": "2h"}).json()
        assert (later["weight"], later["window"], later["zone"], later["rate"]) == (
            2.0,
            None,
            None,
            None,
        )
        record = read_campaigns(served.settings)["night"]
        assert (record.weight, record.rate, record.window) == (2.0, None, None)
        assert record.deadline == datetime.fromisoformat(later["deadline"])
        assert client.patch(path, json={"weight": None}).json()["weight"] == 1.0


@pytest.mark.parametrize(
    ("given", "status", "param"),
    [
        ({"weight": 1000}, 400, "weight"),
        ({"rate": "often"}, 400, "rate"),
        ({"rate": True}, 400, "rate"),
        ({"window": "25:00-06:00", "zone": "Asia/Shanghai"}, 400, "window"),
        ({"zone": "Asia/Shanghai"}, 400, "zone"),
        ({"window": "20:00-06:00", "zone": "Mars"}, 400, "zone"),
        ({"start_at": "soon"}, 400, "start_at"),
        ({"start_at": "3h", "deadline": "1h"}, 400, "start_at"),
        ({"deadline": "2001-01-01T00:00:00Z"}, 400, "deadline"),
        ({"tenant": "clinic"}, 400, None),
    ],
)
def test_a_wrong_term_is_named(
    served: Served,
    night: list[SpeechRequest],
    given: dict[str, object],
    status: int,
    param: str | None,
) -> None:
    with served.client("operate") as client:
        answer = client.patch("/v1/campaigns/night", json=given)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text


def test_terms_of_what_has_none_are_a_conflict(served: Served) -> None:
    with served.client("speak", "operate", "read") as client:
        spoken = client.post("/v1/audio/speech", json={"input": "Good evening.", "voice": 1})
        path = f"/v1/campaigns/{spoken.headers['x-seedcast-campaign-id']}"
        eventually(lambda: client.get(path).status_code == 200, what="the campaign of events")
        assert client.patch(path, json={"weight": 2}).status_code == 409
