"""Lists come in over HTTP and become campaigns, on real Kafka and S3, whatever ends in between."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import xlsxwriter

from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.embedded import Stack
from seedcast.schemas.messages import Campaign
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import FOLDER as LISTS
from seedcast.storage.staged_lists import read_rows
from seedcast.storage.uploaded_files import FOLDER
from tests.builders.deployments import fresh
from tests.builders.gateways import Gateway, gateway
from tests.builders.topics import producer
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

COLUMNS = {"id": ["a", "b"], "text": ["Your order leaves today.", "Good night."]}
CSV = b"id,text\na,Your order leaves today.\nb,Good night.\n"
QUERY = {"voice": "2222", "id_column": "id", "temperature": "0.3", "profiles": "phone,web"}
TYPE = {"content-type": "text/csv"}
WRONG = b"id,text,voice\na,Private words.,2222\nb,Private words.,-5\n"


@pytest.fixture(scope="module")
def served(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("lists") / "gateway.log"
    variables = {"SEEDCAST_GATEWAY_STAGERS": "2", "SEEDCAST_GATEWAY_UPLOAD_BYTES": "1000000"}
    with gateway(fresh(stack), log, **variables) as made:
        yield made


def put(client: httpx.Client, name: str, content: bytes = CSV, **query: str) -> httpx.Response:
    return client.put(f"/v1/campaigns/{name}", content=content, params=QUERY | query, headers=TYPE)


def ended(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """Wait until the list has ended; return what is shown of it then."""
    assert answer.status_code == 202, answer.text
    shown: dict[str, Any] = {}

    def is_over() -> bool:
        shown.update(client.get(answer.headers["location"]).json())
        return shown["state"] not in ("queued", "staging")

    eventually(is_over, what="the end of the staging")
    return shown


def parquet(folder: Path) -> bytes:
    pyarrow.parquet.write_table(pa.table(COLUMNS), folder / "list.parquet")
    return (folder / "list.parquet").read_bytes()


def workbook(folder: Path) -> bytes:
    book = xlsxwriter.Workbook(folder / "list.xlsx")
    sheet = book.add_worksheet()
    for column, (name, values) in enumerate(COLUMNS.items()):
        sheet.write_column(0, column, [name, *values])
    book.close()
    return (folder / "list.xlsx").read_bytes()


def lines(_: Path) -> bytes:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


KINDS = {
    "text/csv; charset=utf-8": lambda _: CSV,
    "application/x-ndjson": lines,
    "application/jsonl": lines,
    "application/vnd.apache.parquet": parquet,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": workbook,
}


def test_a_list_of_each_kind_becomes_a_campaign_of_the_keys_tenant(
    served: Gateway, tmp_path: Path
) -> None:
    with served.client(tenant="shop") as client:
        answers = [
            client.put(
                f"/v1/campaigns/night-{number}",
                content=write(tmp_path),
                params=QUERY,
                headers={"content-type": media},
            )
            for number, (media, write) in enumerate(KINDS.items())
        ]
        for answer in answers:
            shown = ended(client, answer)
            assert (shown["state"], shown["accepted"], shown["reason"]) == ("done", 2, None)
    records = read_campaigns(served.settings)
    for number in range(len(KINDS)):
        record = records[f"night-{number}"]
        assert (record.tenant, record.accepted, record.state) == ("shop", 2, "sealed")
        first, _ = read_rows(S3Store(served.settings.s3), record)
        assert (first.request.text, first.voice_seed) == (COLUMNS["text"][0], 2222)
        assert first.request.profiles == ("phone", "web")
        assert first.request.style.temperature == 0.3


def test_the_same_list_again_is_the_same_campaign_and_another_one_is_refused(
    served: Gateway,
) -> None:
    with served.client(tenant="shop") as client:
        done = ended(client, put(client, "again"))
        record = read_campaigns(served.settings)["again"]
        again = ended(client, put(client, "again"))
        assert again == done
        assert read_campaigns(served.settings)["again"] == record
        for other in (put(client, "again", CSV + b"c,More.\n"), put(client, "again", speed="1.5")):
            assert (other.status_code, other.json()["error"]["code"]) == (409, "another_list")
            assert done["digest"] in other.json()["detail"]
            assert other.json()["detail"].count("digest") == 2
    files = S3Store(served.settings.s3).list(f"{FOLDER}/files/")
    assert list(files) == [], "a body that is staged, or that nothing needs, is not kept"


@pytest.mark.slow
def test_lists_that_race_for_a_name_make_one_campaign(served: Gateway) -> None:
    with served.client(tenant="shop") as client, ThreadPoolExecutor(8) as pool:
        lists = [CSV, CSV + b"c,More.\n"] * 4
        answers = list(pool.map(lambda content: put(client, "race", content), lists))
        first = next(answer for answer in answers if answer.status_code == 202)
        digest = first.json()["digest"]
        assert sorted(answer.status_code for answer in answers) == [202] * 4 + [409] * 4
        assert {a.json()["digest"] for a in answers if a.status_code == 202} == {digest}
        assert ended(client, first)["state"] == "done"


@pytest.mark.slow
def test_a_file_that_was_uploaded_becomes_a_campaign(served: Gateway) -> None:
    with served.client(tenant="shop") as client:
        sent = {"files": {"file": ("my.list.csv", CSV)}, "data": {"purpose": "list"}}
        file_id = client.post("/v1/files", **sent).json()["id"]
        body = {"file_id": file_id, "voice": 7, "id_column": "id", "style": {"top_k": 3}}
        first, *_ = answers = [
            client.put("/v1/campaigns/filed", json=body | more) for more in ({}, {}, {"voice": 8})
        ]
        assert [answer.status_code for answer in answers] == [202, 202, 409]
        assert ended(client, first)["accepted"] == 2
        assert client.get(f"/v1/files/{file_id}").status_code == 200, "the client's file stays"
        unknown = client.put("/v1/campaigns/other", json=body | {"file_id": "file-0"})
        assert unknown.json()["error"]["param"] == "file_id"
        for forbidden in ("tenant", "lexicon", "rejected", "retry_of"):
            refused = client.put("/v1/campaigns/other", json=body | {forbidden: "x"})
            assert refused.status_code == 400, forbidden
            assert put(client, "other", **{forbidden: "x"}).status_code == 400


def test_a_dry_run_reports_and_makes_nothing(served: Gateway) -> None:
    with served.client(tenant="shop") as client:
        shown = ended(client, put(client, "dry", WRONG, dry_run=""))
        assert (shown["state"], shown["dry_run"]) == ("done", True)
        report = shown["report"]
        assert (report["rows"], report["accepted"], report["rejected"]) == (2, 1, 1)
        assert report["rejections"][0]["row"] == 2
        assert report["samples"][0]["spoken"]
        assert report["predicted"]["audio_seconds"] > 0
        assert client.get("/v1/campaigns/dry/staging").status_code == 404
        other = ended(client, put(client, "dry", CSV, dry_run="true"))
        assert other["report"]["accepted"] == 2, "a check makes room for the next"
    assert "dry" not in read_campaigns(served.settings)
    assert not list(S3Store(served.settings.s3).list(f"{LISTS}/dry/"))
    assert "Private words" not in served.log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "query", "reason"),
    [
        (b"id,text,voice\na,Private words.,-5\n", {}, "at least one valid row"),
        (b"", {}, "empty"),
        (b'id,text\n"a,Hello.', {}, ""),
        (b"PK\x03\x04 no workbook", {"format": "xlsx"}, ""),
        (CSV, {"template": "Dear {nobody}"}, "nobody"),
        (CSV, {"window": "25:00-26:00", "zone": "Asia/Shanghai"}, "window"),
    ],
)
def test_a_wrong_list_is_refused_with_the_reason(
    served: Gateway, content: bytes, query: dict[str, str], reason: str
) -> None:
    name = f"wrong-{abs(hash((content, reason)))}"
    with served.client(tenant="shop") as client:
        shown = ended(client, put(client, name, content, **query))
        assert shown["state"] == "refused", shown
        assert reason in shown["reason"]
        assert "/proc/" not in shown["reason"]
        if b"-5" in content:
            assert shown["report"]["rejections"][0]["row"] == 1
        assert name not in read_campaigns(served.settings)
        assert ended(client, put(client, name))["state"] == "done", "a right one is taken then"


@pytest.mark.parametrize(
    ("name", "query", "headers", "status"),
    [
        ("a%2Fb", {}, {}, 404),
        ("_x", {}, {}, 400),
        ("x" * 65, {}, {}, 400),
        ("fine", {"dry_run": "perhaps"}, {}, 400),
        ("fine", {"speed": "9"}, {}, 400),
        ("fine", {"format": "doc"}, {}, 400),
        ("fine", {"temperature": "hot"}, {}, 400),
        ("fine", {}, {"content-type": "text/plain"}, 415),
        ("fine", {}, {"content-encoding": "gzip"}, 415),
        ("fine", {}, {"content-length": "2000000"}, 413),
    ],
)
def test_what_asks_wrongly_is_refused_before_its_body_is_read(
    served: Gateway, name: str, query: dict[str, str], headers: dict[str, str], status: int
) -> None:
    with served.client() as client:
        content = bytes(2_000_000) if "content-length" in headers else CSV
        answer = client.put(
            f"/v1/campaigns/{name}", content=content, params=query, headers=TYPE | headers
        )
    assert answer.status_code == status, answer.text


@pytest.mark.slow
def test_another_tenants_name_is_refused_and_nothing_of_it_is_told(served: Gateway) -> None:
    with served.client(tenant="shop") as shop, served.client(tenant="rival") as rival:
        ended(shop, put(shop, "secret"))
        for content in (CSV, CSV + b"c,More.\n"):
            answer = put(rival, "secret", content)
            assert answer.status_code == 404
            assert "digest" not in answer.text
        for path in ("/v1/campaigns/secret/staging", "/v1/campaigns/secret"):
            assert rival.get(path).status_code in (404, 503)
        assert ended(rival, put(rival, "secret", dry_run=""))["state"] == "done"
        assert shop.get("/v1/campaigns/secret/staging", params={"dry_run": ""}).status_code == 404


@pytest.mark.slow
def test_a_campaign_that_only_the_topic_has_is_not_another_tenants_to_take(
    served: Gateway,
) -> None:
    now = datetime.now(UTC)
    record = Campaign(campaign_id="hidden", state="open", created_at=now, tenant="clinic")
    announce(producer(served.settings), served.settings, record)
    with served.client(tenant="shop") as client:
        shown = ended(client, put(client, "hidden"))
    assert shown["state"] == "refused"
    assert "taken" in shown["reason"]
    assert "clinic" not in json.dumps(shown)
    assert read_campaigns(served.settings)["hidden"] == record
