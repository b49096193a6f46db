"""Batches with OpenAI's own client, spoken by real workers on real Kafka and S3."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.embedded import Stack
from seedcast.producers.gateway.uploads import Uploads
from seedcast.settings import GatewaySettings
from seedcast.storage.accounts.batch_records import Batch, BatchTerms
from seedcast.storage.s3 import S3Store
from seedcast.storage.uploaded_files import FOLDER
from tests.builders import pages
from tests.builders.batches import ENDS, begin, file_of, line, lines_of, until, workers
from tests.builders.deployments import fresh
from tests.builders.gateways import Gateway, gateway
from tests.builders.processes import ForkedProcess, stopped
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

PYTHON = 'import os\nURL, KEY = os.environ["URL"], os.environ["KEY"]\n'


@pytest.fixture(scope="module")
def deployed(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, dict[str, ForkedProcess]]]:
    """A gateway and the workers of a whole deployment."""
    folder, settings = tmp_path_factory.mktemp("batches"), fresh(stack)
    variables = {"SEEDCAST_GATEWAY_BATCH_LINES": "20"}
    with (
        workers(settings, folder) as started,
        gateway(settings, folder / "gateway.log", **variables) as made,
    ):
        yield made, started


@pytest.fixture(scope="module")
def served(deployed: tuple[Gateway, dict[str, ForkedProcess]]) -> Gateway:
    return deployed[0]


def client_of(served: Gateway, *scopes: Any, tenant: str = "shop") -> openai.OpenAI:
    key = served.key(*scopes, tenant=tenant)
    return openai.OpenAI(api_key=key, base_url=f"{served.url}/v1", max_retries=0)


def body_of(line: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = line["response"]["body"]
    return found


def test_a_batch_is_spoken_and_its_files_have_each_line(served: Gateway) -> None:
    client = client_of(served)
    made = begin(
        client,
        line("first"),
        line("nothing to say", input="..."),
        line(" named \u4e00", response_format="wav", speed=1.25),
        line("unknown", voice="nobody"),
    )
    assert (made.status, made.endpoint, made.metadata) == (
        "validating",
        "/v1/audio/speech",
        {"night": "1"},
    )
    assert made.expires_at == made.created_at + 24 * 3600
    done = until(client, made, *ENDS)
    assert done.status == "completed", done
    counts = done.request_counts
    assert counts
    assert (counts.total, counts.completed, counts.failed) == (4, 2, 2)
    times = done.created_at, done.in_progress_at, done.finalizing_at, done.completed_at
    assert list(times) == sorted(time or 0 for time in times)

    output = lines_of(client, done.output_file_id)
    assert [each["custom_id"] for each in output] == ["first", " named \u4e00"]
    for each in output:
        body = body_of(each)
        assert (each["error"], each["response"]["status_code"]) == (None, 200)  # type: ignore[index]
        audio = httpx.get(body["audio_url"]).content
        assert hashlib.sha256(audio).hexdigest() == body["sha256"]
        assert body["request_id"] == each["response"]["request_id"]  # type: ignore[index]
        assert {"waveform_sha256", "engine_fingerprint", "duration"} <= body.keys()
    assert [body_of(each)["content_type"] for each in output] == ["audio/mpeg", "audio/wav"]

    deaf = lines_of(client_of(served, "submit"), done.output_file_id)
    assert [body_of(each)["audio_url"] for each in deaf] == [None, None]
    assert body_of(deaf[0])["sha256"] == body_of(output[0])["sha256"]
    errors = lines_of(client, done.error_file_id)
    assert [each["custom_id"] for each in errors] == ["nothing to say", "unknown"]
    assert [body_of(each)["error"]["param"] for each in errors] == ["input", "voice"]
    file = client.files.retrieve(str(done.output_file_id))
    assert (file.purpose, file.filename) == ("batch_output", f"{made.id}_output.jsonl")
    store = S3Store(served.settings.s3)
    Uploads(GatewaySettings(), served.accounts.files, store).sweep(datetime.now(UTC))
    assert not [each for each in store.list(f"{FOLDER}/") if made.id in each.key]


@pytest.mark.parametrize("is_bad", [True, False])
def test_a_batch_of_which_nothing_can_be_spoken(served: Gateway, is_bad: bool) -> None:
    client = client_of(served)
    wrong: dict[str, object] | bytes = b"{" if is_bad else line("wrong", speed=9)
    done = until(client, begin(client, *([line("a")] if is_bad else []), wrong), *ENDS)
    assert done.id not in read_campaigns(served.settings)
    assert done.output_file_id is None
    if is_bad:
        assert (done.status, done.error_file_id) == ("failed", None)
        assert done.failed_at
        assert done.errors
        [error] = done.errors.data or []
        assert (error.code, error.line) == ("invalid_json_line", 2)
    else:
        assert done.status == "completed"
        [only] = lines_of(client, done.error_file_id)
        assert body_of(only)["error"]["param"] == "speed"
        assert done.request_counts
        assert (done.request_counts.total, done.request_counts.failed) == (1, 1)


@pytest.mark.slow
def test_more_lines_than_allowed_fail(served: Gateway) -> None:
    client = client_of(served)
    done = until(client, begin(client, *(line(str(n)) for n in range(21))), *ENDS)
    assert done.errors
    assert [(e.code, e.line) for e in done.errors.data or []] == [("too_many_tasks", 21)]


def test_what_is_cancelled_ends_with_each_of_its_lines(
    deployed: tuple[Gateway, dict[str, ForkedProcess]],
) -> None:
    served, started = deployed
    client = client_of(served)

    def is_cancelled() -> bool:
        record = read_campaigns(served.settings).get(made.id)
        return record is not None and record.state == "cancelled"

    with stopped(started["gpu-consumer"].pid):  # once all is spoken a campaign is completed
        made = begin(client, *(line(str(n)) for n in range(3)))
        cancelling = client.batches.cancel(made.id)
        assert cancelling.status == "cancelling"
        assert client.batches.cancel(made.id).id == made.id, "again is the same"
        eventually(is_cancelled, what="the campaign is cancelled")
    done = until(client, made, *ENDS)
    assert done.status == "cancelled"
    assert done.cancelled_at
    assert done.cancelling_at
    with pytest.raises(openai.ConflictError, match="Cannot cancel"):
        client.batches.cancel(made.id)
    files = [file for file in (done.output_file_id, done.error_file_id) if file]
    ended = [each for file in files for each in lines_of(client, file)]
    assert sorted(str(each["custom_id"]) for each in ended) == ["0", "1", "2"]
    assert is_cancelled()


@pytest.mark.slow
def test_a_batch_whose_campaign_an_operator_cancels_ends(served: Gateway) -> None:
    client = client_of(served)
    made = begin(client, line("a", deadline="20m"))
    with served.client(tenant="shop") as operator:
        path = f"/v1/campaigns/{made.id}"
        eventually(lambda: operator.get(path).json().get("accepted") == 1, what="the campaign")
        operator.post(f"{path}/cancel")
    assert until(client, made, *ENDS).status in ("cancelled", "completed")


@pytest.mark.slow
def test_what_was_not_spoken_in_the_window_has_expired(served: Gateway) -> None:
    client, now = client_of(served), datetime.now(UTC)
    file = client.files.create(
        file=("late.jsonl", file_of(line("a"), line("wrong", speed=9))), purpose="batch"
    )
    terms = BatchTerms(endpoint="/v1/audio/speech", completion_window="1m")
    late = served.accounts.batches.add(
        Batch(
            batch_id="batch_late",
            tenant="shop",
            key_id="key-1",
            terms=terms,
            input_file_id=file.id,
            status="validating",
            created_at=now - timedelta(minutes=1),
            expires_at=now,
        )
    )
    done = until(client, client.batches.retrieve(late.batch_id), *ENDS)
    assert done.status == "expired"
    assert done.expired_at
    first, second = lines_of(client, done.error_file_id)
    assert (first["response"], first["error"]["code"]) == (None, "batch_expired")  # type: ignore[index]
    assert body_of(second)["error"]["param"] == "speed"
    assert done.request_counts
    assert (done.request_counts.total, done.request_counts.failed) == (2, 1)


@pytest.mark.slow  # what the first test does, by the page's own program
def test_the_example_of_the_page_runs(served: Gateway, tmp_path: Path) -> None:
    page = (pages.DOCS / "batches.md").read_text()
    [block] = [each for each in pages.blocks(page) if each.language == "python"]
    own = {"URL": served.url, "KEY": served.key(tenant="shop")}
    command = [sys.executable, "-c", PYTHON + block.text]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | own, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["order-1.mp3", "order-2.mp3"]


def test_batches_are_listed_and_another_tenants_are_not_there(served: Gateway) -> None:
    client, rival = client_of(served, tenant="lists"), client_of(served, tenant="rival")
    made = [begin(client, line("a")).id for _ in range(3)]
    assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]
    page = client.batches.list(limit=2)
    assert (page.has_more, len(page.data)) == (True, 2)
    assert list(rival.batches.list()) == []
    for ask in (rival.batches.retrieve, rival.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            ask(made[0])
    with pytest.raises(openai.NotFoundError):
        rival.batches.list(after=made[0])


def post(served: Gateway, **changed: object) -> httpx.Response:
    with served.client(tenant="shop") as client:
        sent = {"files": {"file": ("a.jsonl", b"{}")}, "data": {"purpose": "batch"}}
        file_id = client.post("/v1/files", **sent).json()["id"]  # type: ignore[arg-type]
        body = {"input_file_id": file_id, "endpoint": "/v1/audio/speech"}
        headers = {"idempotency-key": str(key)} if (key := changed.pop("key", None)) else {}
        given = {"completion_window": "24h", **body, **changed}
        return client.post("/v1/batches", json=given, headers=headers)


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"endpoint": "/v1/embeddings"}, "endpoint"),
        ({"completion_window": "soon"}, "completion_window"),
        ({"completion_window": "0h"}, "completion_window"),
        ({"completion_window": "31d"}, "completion_window"),
        ({"input_file_id": "file-0"}, "input_file_id"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        ({"metadata": {"a": "x" * 513}}, "metadata[...]"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 5}}, None),
        ({"priority": "urgent"}, None),
    ],
)
def test_a_wrong_batch_is_refused_at_once(
    served: Gateway, changed: dict[str, object], param: str | None
) -> None:
    answer = post(served, **changed)
    assert answer.status_code == 400, answer.text
    if param is not None:
        assert answer.json()["error"]["param"] == param, answer.text


def test_a_file_that_is_no_batch_is_refused(served: Gateway) -> None:
    with served.client(tenant="shop") as client:
        sent = {"files": {"file": ("a.csv", b"text")}, "data": {"purpose": "list"}}
        file_id = client.post("/v1/files", **sent).json()["id"]  # type: ignore[arg-type]
    assert post(served, input_file_id=file_id).json()["error"]["param"] == "input_file_id"


def test_the_same_idempotency_key_is_the_same_batch(served: Gateway) -> None:
    file_id = post(served).json()["input_file_id"]
    first, again = (post(served, key="night-1", input_file_id=file_id) for _ in range(2))
    other = post(served, key="night-1", input_file_id=file_id, completion_window="2h")
    assert first.json()["id"] == again.json()["id"]
    assert (other.status_code, other.json()["error"]["param"]) == (422, "idempotency-key")
