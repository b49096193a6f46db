"""The gateway on real Kafka and S3, with the clients that people have."""

import io
import json
import os
import signal
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from seedcast.campaigns.campaign_topic import announce
from seedcast.embedded import Stack
from seedcast.producers.gateway.batch_routes import batch_routes
from seedcast.producers.gateway.batch_wire import BatchBody
from seedcast.producers.gateway.campaign_routes import campaign_routes
from seedcast.producers.gateway.campaign_terms import TermsPatch
from seedcast.producers.gateway.retries import RetryBody
from seedcast.producers.gateway.routes import Route, routes
from seedcast.producers.gateway.webhooks.endpoints import WebhookBody, WebhookPatch
from seedcast.producers.gateway.webhooks.webhook_routes import webhook_routes
from seedcast.producers.gateway.wire import SpeechBody
from seedcast.schemas.messages import Campaign
from seedcast.settings import Settings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.keys import SCOPES, KeyLimits, Scope
from tests.builders import processes, token_issuer
from tests.builders.deployments import environment, fresh
from tests.builders.gateways import NO_TLS
from tests.builders.processes import ForkedProcess
from tests.builders.topics import producer
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

TEXT = "Your order leaves today."
HOOK = "https://hook.invalid/"  # a name that nobody has


@dataclass
class Served:
    settings: Settings
    accounts: Accounts
    url: str
    gateway: ForkedProcess
    consumer: ForkedProcess
    log: Path

    def key(self, *scopes: Scope, tenant: str = "bank", limits: KeyLimits = KeyLimits()) -> str:  # noqa: B008
        return self.accounts.add_key("test", tenant, scopes or SCOPES, limits)[1]

    def client(self, *scopes: Scope, tenant: str = "bank", **limits: Any) -> httpx.Client:
        secret = self.key(*scopes, tenant=tenant, limits=KeyLimits(**limits))
        headers = {"authorization": f"Bearer {secret}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=NO_TLS)

    def openai(self, **options: Any) -> openai.OpenAI:
        return openai.OpenAI(api_key=self.key(), base_url=f"{self.url}/v1", **options)


@pytest.fixture(scope="module")
def served(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A whole deployment with the echo engine."""
    folder = tmp_path_factory.mktemp("gateway")
    settings = fresh(stack)
    variables = environment(settings)
    workers = {
        "gateway": ["run", "gateway"],
        "gpu-consumer": ["run", "gpu-consumer", "--engine", "echo"],
        "postprocess": ["run", "postprocess"],
        "indexer": ["run", "indexer"],
    }
    logs = {name: folder / f"{name}.log" for name in workers}
    started = {
        name: processes.start(command, variables, logs[name]) for name, command in workers.items()
    }
    with open_accounts(settings.accounts) as accounts:
        made = Served(
            settings, accounts, "", started["gateway"], started["gpu-consumer"], logs["gateway"]
        )
        made.url = url_of(made.log)
        yield made
    for name, process in started.items():
        process.kill()
        process.wait()
        print(f"--- {name}\n{logs[name].read_text(errors='replace')[-20_000:]}")


def url_of(log: Path) -> str:
    """Wait until the gateway with this log is ready; return its address."""
    eventually(lambda: log.exists() and '"event": "ready"' in log.read_text(), what="a start")
    ready = next(line for line in log.read_text().splitlines() if '"event": "ready"' in line)
    return str(json.loads(ready)["url"])


def speak(client: httpx.Client, **body: Any) -> httpx.Response:
    given = {"input": TEXT, "voice": 2222, "response_format": "wav"} | body
    return client.post("/v1/audio/speech", json=given)


def test_the_openai_client_speaks(served: Served) -> None:
    client = served.openai()
    spoken = client.audio.speech.create(model="tts-1", voice="2222", input=TEXT)
    assert spoken.response.headers["content-type"] == "audio/mpeg"
    assert len(spoken.content) > 1000
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="7", input=TEXT, response_format="wav", speed=1.25
    ) as streamed:
        data = b"".join(streamed.iter_bytes())
    with wave.open(io.BytesIO(data)) as audio:
        assert audio.getframerate() == 24_000
        assert audio.getnframes() > 1000
    assert {"seedcast", "tts-1"} <= {model.id for model in client.models.list()}


@pytest.mark.parametrize(
    ("given", "error", "param"),
    [
        ({"speed": 4.0}, openai.BadRequestError, "speed"),
        ({"voice": "nobody"}, openai.BadRequestError, "voice"),
        ({"response_format": "pcm"}, openai.BadRequestError, "response_format"),
        ({"instructions": "whisper"}, openai.BadRequestError, None),
        ({"input": "…"}, openai.BadRequestError, "input"),
        ({"model": "tts-9"}, openai.NotFoundError, "model"),
    ],
)
def test_what_it_asks_wrongly_is_refused_with_the_reason(
    served: Served, given: dict[str, Any], error: type[openai.APIStatusError], param: str | None
) -> None:
    asked: dict[str, Any] = {"model": "tts-1", "voice": "2222", "input": TEXT} | given
    with pytest.raises(error) as raised:
        served.openai(max_retries=0).audio.speech.create(**asked)
    assert raised.value.param == param
    assert raised.value.type == "invalid_request_error"
    assert TEXT not in str(raised.value)


def test_a_speech_carries_its_receipt(served: Served) -> None:
    with served.client() as client:
        first, second = speak(client), speak(client)
    assert first.content == second.content, "the same request has the same bytes"
    assert first.headers["x-seedcast-request-id"] != second.headers["x-seedcast-request-id"]
    assert first.headers["x-seedcast-voice-seed"] == "2222"
    assert len(first.headers["x-seedcast-waveform-sha256"]) == 64
    assert "speak;dur=" in first.headers["server-timing"]


def test_the_same_idempotency_key_is_the_same_request(served: Served) -> None:
    headers = {"idempotency-key": "order-7"}
    body = {"input": TEXT, "voice": 5}
    with served.client() as client:
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(
                    lambda _: client.post("/v1/audio/speech", json=body, headers=headers), range(4)
                )
            )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.headers["x-seedcast-request-id"] for answer in answers}) == 1
        assert len({answer.content for answer in answers}) == 1
        other = client.post("/v1/audio/speech", json=body | {"voice": 6}, headers=headers)
        assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    with served.client(tenant="clinic") as other_tenant:
        mine = other_tenant.post("/v1/audio/speech", json=body, headers=headers)
    assert mine.headers["x-seedcast-request-id"] != answers[0].headers["x-seedcast-request-id"]


def test_who_does_not_wait_gets_an_address(served: Served) -> None:
    with served.client() as client:
        accepted = client.post(
            "/v1/audio/speech",
            json={"input": TEXT, "voice": 1, "profile": "telephony", "metadata": {"order": "7"}},
            headers={"prefer": "respond-async"},
        )
        assert accepted.status_code == 202
        place = accepted.headers["location"]
        eventually(
            lambda: (
                (found := client.get(place)).status_code == 200
                and found.json()["status"] == "succeeded"
            ),
            what="its result in the index",
        )
        [rendition] = client.get(place).json()["renditions"]
        assert rendition["profile"] == "telephony"
        linked = client.get(f"{place}/audio", follow_redirects=False)
        assert linked.status_code == 307
        direct = client.get(f"{place}/audio", params={"direct": ""})
        assert httpx.get(linked.headers["location"]).content == direct.content
        assert client.get(f"{place}/audio", params={"profile": "web"}).status_code == 404


def test_too_many_requests_are_refused_and_the_openai_client_tries_again(served: Served) -> None:
    with served.client(requests_per_second=1.0) as client:
        answers = [client.get("/v1/models") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert answers[1].headers["retry-after"] == "1"
    secret = served.key(limits=KeyLimits(requests_per_second=1.0))
    patient = openai.OpenAI(api_key=secret, base_url=f"{served.url}/v1", max_retries=5)
    for _ in range(2):
        assert list(patient.models.list())


def test_a_key_speaks_so_many_characters_per_minute(served: Served) -> None:
    long, later = {"input": TEXT * 3, "voice": 1}, {"prefer": "respond-async"}
    with served.client(characters_per_minute=2 * len(TEXT)) as client:
        answers = [speak(client) for _ in range(3)]
        async_one = client.post("/v1/audio/speech", json={"input": "No", "voice": 1}, headers=later)
        too_long = client.post("/v1/audio/speech", json=long)
        assert client.get("/v1/models").status_code == 200
    assert [answer.status_code for answer in (*answers, async_one)] == [200, 200, 429, 429]
    left = [int(answer.headers["x-ratelimit-remaining-characters"]) for answer in answers]
    assert left[:2] == [len(TEXT), 0]
    assert answers[2].json()["error"]["code"] == "rate_limited"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert (too_long.status_code, too_long.json()["error"]["code"]) == (400, "text_too_long")


def test_a_token_of_the_issuer_is_as_good_as_a_key(served: Served, tmp_path: Path) -> None:
    with token_issuer.issuer(token_issuer.published("ES256")) as issuer:
        configured = {
            "SEEDCAST_JWT_ISSUER": token_issuer.ISSUER,
            "SEEDCAST_JWT_AUDIENCE": token_issuer.AUDIENCE,
            "SEEDCAST_JWT_KEYS": issuer.url,
        }
        log = tmp_path / "tokens.log"
        variables = environment(served.settings) | configured
        gateway = processes.start(["run", "gateway"], variables, log)
        url = url_of(log)

        def shown(**claims: Any) -> httpx.Client:
            token = token_issuer.token("ES256", **claims)
            headers = {"authorization": f"Bearer {token}"}
            return httpx.Client(base_url=url, headers=headers, timeout=60)

        with shown() as own, shown(tenant="clinic") as other, shown(exp=1) as late:
            spoken = speak(own)
            path = f"/v1/requests/{spoken.headers['x-seedcast-request-id']}"
            eventually(lambda: own.get(path).status_code == 200, what="the request in the index")
            answers = [other.get(path), own.get(f"{path}/audio"), late.get(path)]
        with served.client() as client:
            answers.append(client.get(f"{url}{path}"))
        assert [answer.status_code for answer in answers] == [404, 403, 401, 200]
        assert answers[2].json()["error"]["message"] == "the token has expired"
        assert token_issuer.token("ES256").split(".")[0] not in log.read_text()
    gateway.terminate()
    assert gateway.wait(60) == 0


def upload(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/files", data={"purpose": "list"}, files={"file": ("a.csv", b"text")})


def hook(client: httpx.Client) -> dict[str, str]:
    """Add a webhook with a delivery; return their ids."""
    webhook_id = client.post("/v1/webhooks", json={"url": HOOK}).json()["id"]
    event_id = client.post(f"/v1/webhooks/{webhook_id}/test").json()["id"]
    return {"webhook_id": webhook_id, "event_id": event_id}


def upload_batch(client: httpx.Client) -> str:
    """Return the id of a file that a batch can be made of."""
    files = {"file": ("batch.jsonl", b"{}")}
    answer = client.post("/v1/files", data={"purpose": "batch"}, files=files)
    return str(answer.json()["id"])


def paths(route: Route, known: dict[str, str]) -> str:
    path = route.path
    for name, value in known.items():
        path = path.replace(f"{{{name}}}", value)
    return path


# What a key with the scope may do with what is its own: everything else is refused.
EXPECTED = {
    "POST /v1/audio/speech": ("speak", 200),
    "GET /v1/audio/voices": (None, 200),
    "GET /v1/models": (None, 200),
    "GET /v1/models/{model}": (None, 200),
    "GET /v1/requests/{request_id}": ("read", 200),
    "GET /v1/requests/{request_id}/audio": ("listen", 307),
    "GET /v1/campaigns": ("read", 200),
    "GET /v1/campaigns/{campaign_id}": ("read", 200),
    "GET /v1/campaigns/{campaign_id}/events": ("read", 200),
    "GET /v1/events": ("read", 200),
    "POST /v1/campaigns/{campaign_id}/pause": ("operate", 409),  # one of events
    "POST /v1/campaigns/{campaign_id}/resume": ("operate", 200),
    "POST /v1/campaigns/{campaign_id}/cancel": ("operate", 200),
    "GET /v1/campaigns/{campaign_id}/requests": ("read", 200),
    "GET /v1/campaigns/{campaign_id}/errors": ("read", 200),
    "GET /v1/campaigns/{campaign_id}/results.csv": ("read", 200),
    "GET /v1/campaigns/{campaign_id}/results.jsonl": ("read", 200),
    "GET /v1/campaigns/{campaign_id}/results.parquet": ("read", 200),
    "POST /v1/campaigns/{campaign_id}/retry": ("submit", 200),
    "PATCH /v1/campaigns/{campaign_id}": ("operate", 409),  # one of events
    "PUT /v1/campaigns/{campaign_id}": ("submit", 202),
    "GET /v1/campaigns/{campaign_id}/staging": ("submit", 200),
    "POST /v1/files": ("submit", 200),
    "GET /v1/files": ("submit", 200),
    "GET /v1/files/{file_id}": ("submit", 200),
    "GET /v1/files/{file_id}/content": ("submit", 200),
    "DELETE /v1/files/{file_id}": ("submit", 200),
    "POST /v1/webhooks": ("operate", 200),
    "GET /v1/webhooks": ("operate", 200),
    "GET /v1/webhooks/{webhook_id}": ("operate", 200),
    "PATCH /v1/webhooks/{webhook_id}": ("operate", 200),
    "POST /v1/webhooks/{webhook_id}/rotate": ("operate", 200),
    "POST /v1/webhooks/{webhook_id}/test": ("operate", 202),
    "GET /v1/webhooks/{webhook_id}/deliveries": ("operate", 200),
    "GET /v1/webhooks/{webhook_id}/deliveries/{event_id}": ("operate", 200),
    "POST /v1/webhooks/{webhook_id}/deliveries/{event_id}/resend": ("operate", 409),  # it waits
    "DELETE /v1/webhooks/{webhook_id}": ("operate", 200),
    "POST /v1/batches": ("submit", 200),
    "GET /v1/batches": ("read", 200),
    "GET /v1/batches/{batch_id}": ("read", 200),
    "POST /v1/batches/{batch_id}/cancel": ("operate", 409),  # its line is no request: it has failed
}
BODIES: dict[type | None, Any] = {
    SpeechBody: {"input": TEXT, "voice": 1},
    RetryBody: {},
    TermsPatch: {"weight": 2},
    WebhookBody: {"url": HOOK},
    WebhookPatch: {"name": "renamed"},
}
BATCH = {"endpoint": "/v1/audio/speech", "completion_window": "24h"}
OWN = ("request", "campaign", "file", "batch", "webhook")  # what a tenant alone has


def test_every_route_and_scope_and_tenant_is_allowed_or_refused_as_written(served: Served) -> None:
    nothing: Any = _Nothing()
    table = routes(nothing, nothing, nothing, nothing, nothing, nothing)
    table += campaign_routes(nothing, nothing, nothing, nothing)
    table += webhook_routes(nothing)
    table += batch_routes(nothing)
    assert {route.name for route in table} == EXPECTED.keys()
    with served.client(tenant="owner") as owner:
        spoken = speak(owner)
        request_id = spoken.headers["x-seedcast-request-id"]
        campaign = spoken.headers["x-seedcast-campaign-id"]
        eventually(
            lambda: owner.get(f"/v1/requests/{request_id}").status_code == 200,
            what="the request in the index",
        )
        file_id = upload(owner).json()["id"]
        known = {"request_id": request_id, "campaign_id": campaign, "file_id": file_id}
        known |= {"model": "tts-1"} | hook(owner)
        batch = BATCH | {"input_file_id": upload_batch(owner)}
        known["batch_id"] = batch_id = owner.post("/v1/batches", json=batch).json()["id"]
        eventually(
            lambda: owner.get(f"/v1/batches/{batch_id}").json()["status"] == "failed",
            what="the end of the batch",
        )
    bodies = BODIES | {BatchBody: batch}
    whose = product(SCOPES, ("owner", "stranger"))
    clients = {(given, name): served.client(given, tenant=name) for given, name in whose}
    # What deletes comes last, in the table's order: it is the end of what the others ask for.
    for route in sorted(table, key=lambda each: each.method == "DELETE"):
        scope, status = EXPECTED[route.name]
        path = paths(route, known)
        body: dict[str, Any] = {"json": bodies[route.body]} if route.body in bodies else {}
        if route.method == "PUT":
            body = {"json": {"file_id": file_id}}
        elif route.content:
            body = {"data": {"purpose": "list"}, "files": {"file": ("a.csv", b"text")}}
        is_own = any(f"{{{name}_id}}" in route.path for name in OWN)
        foreign = 404 if is_own else 400 if route.body is BatchBody else status
        for (given, tenant), client in clients.items():
            allowed = scope in (None, given)
            wanted = 403 if not allowed else foreign if tenant == "stranger" else status
            status_code = status_of(client, route.method, path, body)
            assert status_code == wanted, (route.name, given, tenant)
        refused = httpx.request(route.method, served.url + path, verify=NO_TLS, **body)
        assert refused.status_code == 401
    for client in clients.values():
        client.close()


def status_of(client: httpx.Client, method: str, path: str, body: dict[str, Any]) -> int:
    """Ask, and read no body: that of a stream has no end."""
    with client.stream(method, path, **body, follow_redirects=False) as answer:
        return answer.status_code


class _Nothing:
    def __getattr__(self, name: str) -> "_Nothing":
        return self


def test_another_tenants_campaigns_are_not_listed(served: Served) -> None:
    now = datetime.now(UTC)
    record = Campaign(campaign_id="secret-night", state="open", created_at=now, tenant="clinic")
    announce(producer(served.settings), served.settings, record)
    with served.client(tenant="clinic") as clinic, served.client(tenant="bank") as bank:
        eventually(lambda: "secret-night" in clinic.get("/v1/campaigns").text, what="it is listed")
        assert "secret-night" not in bank.get("/v1/campaigns").text
        assert bank.get("/v1/campaigns", params={"limit": "0"}).status_code == 400


def test_no_text_and_no_key_is_in_the_log(served: Served) -> None:
    secret = served.key()
    said = "A very private sentence."
    answer = httpx.post(
        f"{served.url}/v1/audio/speech",
        json={"input": said, "voice": 3},
        headers={"authorization": f"Bearer {secret}"},
        timeout=60,
    )
    assert answer.status_code == 200
    log = served.log.read_text()
    assert "answered" in log
    assert "private" not in log
    assert secret not in log


def test_sigterm_answers_what_is_open(served: Served, tmp_path: Path) -> None:
    log = tmp_path / "second.log"
    second = processes.start(["run", "gateway"], environment(served.settings), log)
    url = url_of(log)
    headers = {"authorization": f"Bearer {served.key()}"}
    with ThreadPoolExecutor(20) as pool:
        os.kill(served.consumer.pid, signal.SIGSTOP)
        try:
            sent = [
                pool.submit(
                    httpx.post,
                    f"{url}/v1/audio/speech",
                    json={"input": TEXT, "voice": number},
                    headers=headers,
                    timeout=60,
                    verify=NO_TLS,
                )
                for number in range(20)
            ]
            waiting = "seedcast_replies_waiting 20.0"
            eventually(
                lambda: waiting in httpx.get(f"{url}/metrics", verify=NO_TLS).text,
                what="20 open requests",
            )
            second.send_signal(signal.SIGTERM)
            eventually(lambda: '"Shutting down"' in log.read_text(), what="its end to begin")
        finally:
            os.kill(served.consumer.pid, signal.SIGCONT)
        assert {each.result().status_code for each in sent} == {200}
    assert second.wait(60) == 0
