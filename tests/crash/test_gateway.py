"""A gateway whose servers fail while requests are open, and clients that send what they like.

Every request is answered in a bounded time, in words that say when to come again, and what worked
before works again afterwards.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from seedcast.embedded import Stack
from seedcast.storage.accounts.keys import new_secret
from tests.builders.postgres_server import PostgresServer
from tests.builders.processes import stopped
from tests.builders.waiting import eventually
from tests.crash.gateways import SEND, SILENT, TEXT, Gateway, Gateways, gateways
from tests.crash.proxy import Fault, Proxy

pytestmark = pytest.mark.integration

OPEN = 4  # speeches: one less than open the breaker
FAULTS = {"cut": Fault(cut=True), "frozen": Fault(frozen=True)}
SOME_SLOW = ["cut", pytest.param("frozen", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def deployed(
    stack: Stack, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateways]:
    with gateways(stack, postgres, tmp_path_factory.mktemp("gateways")) as made:
        yield made


@pytest.fixture(scope="module")
def gateway(deployed: Gateways) -> Gateway:
    return deployed.start()


@pytest.fixture
def client(deployed: Gateways, gateway: Gateway) -> Iterator[httpx.Client]:
    with connected(deployed, gateway) as opened:
        yield opened


@contextmanager
def connected(deployed: Gateways, gateway: Gateway) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {deployed.key()}"}
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=60) as opened:
        assert opened.get("/v1/models").status_code == 200, "the key is believed from now on"
        yield opened


def speak(client: httpx.Client, key: str | None = None, **body: Any) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    given = {"input": TEXT, "voice": 2222, "response_format": "wav"} | body
    return client.post("/v1/audio/speech", json=given, headers=headers)


def speaks_again(client: httpx.Client) -> None:
    eventually(lambda: speak(client).status_code == 200, 60, "a speech after the fault")


def assert_away(answer: httpx.Response, status: int = 503) -> None:
    assert answer.status_code == status, answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.elapsed.total_seconds() < SILENT


@contextmanager
def failing(proxy: Proxy, fault: Fault) -> Iterator[None]:
    proxy.fail(fault)
    try:
        yield
    finally:
        proxy.heal()


@contextmanager
def open_speeches(
    deployed: Gateways, gateway: Gateway, ask: Callable[[int], httpx.Response], count: int = OPEN
) -> Iterator[list[Future[httpx.Response]]]:
    """Let `count` speeches wait for their results, which come after the block."""
    with ThreadPoolExecutor(count) as pool, stopped(deployed.workers["gpu-consumer"].pid):
        asked = [pool.submit(ask, number) for number in range(count)]
        eventually(lambda: gateway.waits_for(count), what="open speeches")
        yield asked


@pytest.mark.parametrize("fault", SOME_SLOW)
def test_the_store_goes_away_while_speeches_are_open(
    deployed: Gateways, gateway: Gateway, client: httpx.Client, fault: str
) -> None:
    def ask(number: int) -> httpx.Response:
        return speak(client, f"{fault}-{number}")

    with failing(deployed.s3, FAULTS[fault]):
        with open_speeches(deployed, gateway, ask) as asked:
            pass
        for each in asked:
            assert_away(each.result())
            assert "object store" in each.result().json()["detail"]
    speaks_again(client)
    assert [ask(number).status_code for number in range(OPEN)] == [200] * OPEN


@pytest.mark.parametrize("fault", SOME_SLOW)
def test_the_index_goes_away(deployed: Gateways, client: httpx.Client, fault: str) -> None:
    path = f"/v1/requests/{speak(client).headers['x-seedcast-request-id']}"
    eventually(lambda: client.get(path).status_code == 200, what="the request in the index")
    with failing(deployed.index, FAULTS[fault]), ThreadPoolExecutor(2 * OPEN) as pool:
        for answer in pool.map(lambda _: client.get(path), range(2 * OPEN)):
            assert_away(answer)
        assert speak(client, f"index-{fault}").status_code == 200, "speeches need no index"
    eventually(lambda: client.get(path).status_code == 200, 60, "the index again")


@pytest.mark.parametrize("fault", SOME_SLOW)
def test_the_database_of_keys_goes_away(
    deployed: Gateways, gateway: Gateway, client: httpx.Client, fault: str
) -> None:
    def with_another_key(secret: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {secret}"}
        return httpx.get(f"{gateway.url}/v1/models", headers=headers, timeout=60)

    secrets = [deployed.key(), *(new_secret() for _ in range(2 * OPEN))]
    with failing(deployed.keys, FAULTS[fault]), ThreadPoolExecutor(2 * OPEN) as pool:
        for answer in pool.map(with_another_key, secrets):
            assert_away(answer)
        assert_away(speak(client, f"keys-{fault}"))
        assert speak(client).status_code == 200, "a key that was seen lately, without the header"
    eventually(lambda: with_another_key(secrets[0]).status_code == 200, 60, "a key that is new")
    assert with_another_key(secrets[1]).status_code == 401
    assert speak(client, f"keys-{fault}").status_code == 200


def test_a_replica_is_killed_and_another_answers_its_clients(
    deployed: Gateways, gateway: Gateway, client: httpx.Client
) -> None:
    doomed, bodies = deployed.start(), [{"voice": number} for number in range(OPEN)]

    def ask(number: int) -> httpx.Response:
        with httpx.Client(base_url=doomed.url, headers=client.headers, timeout=60) as first:
            return speak(first, f"killed-{number}", **bodies[number])

    with open_speeches(deployed, doomed, ask) as asked:
        doomed.process.kill()
        for each in asked:
            assert isinstance(each.exception(60), httpx.TransportError)
    now = datetime.now(UTC)
    for number, body in enumerate(bodies):
        repeated = speak(client, f"killed-{number}", **body)
        assert repeated.status_code == 200
        first = deployed.accounts.claim("bank", f"killed-{number}", b"-", "none", now).request_id
        assert repeated.headers["x-seedcast-request-id"] == first
        assert repeated.content == speak(client, **body).content


@pytest.mark.slow
def test_the_broker_freezes_while_speeches_are_open(
    stoppable_stack: Stack, postgres: PostgresServer, tmp_path: Path
) -> None:
    [broker] = [each.pid for each in stoppable_stack.status() if each.name == "kafka"]
    with ExitStack() as opened:
        deployed = opened.enter_context(gateways(stoppable_stack, postgres, tmp_path))
        gateway = deployed.start()
        client = opened.enter_context(connected(deployed, gateway))
        speeches = open_speeches(deployed, gateway, lambda _: speak(client))
        with speeches as asked, stopped(broker):
            assert_away(speak(client))
            for each in asked:
                assert_away(each.result(), 504)
            began = time.monotonic()
            refused = speak(client)
            assert_away(refused)
            assert "not answered in time at present" in refused.json()["detail"], "the breaker"
            assert time.monotonic() - began < SEND
            assert client.get("/v1/models").status_code == 200
        speaks_again(client)


@pytest.mark.parametrize(
    "body",
    [
        b'{"input": 7, "voice": 1}',
        b'{"input": ["a"], "voice": 1}',
        b'{"input": "a", "voice": {}}',
        b'{"input": "a", "voice": 1e400}',
        b'{"input": "a", "voice": 1, "metadata": {"a": 1}}',
        b'{"input": "a", "voice": 1, "metadata": []}',
        b'{"input": "a", "voice": 1, "style": "loud"}',
        b'{"input": "a\\ud800", "voice": 1}',
        b'{"input": "\xff", "voice": 1}',
        b"null",
        b"",
        b"[" * 100_000,
        b'{"style":' * 20_000,
        b'{"input": "' + b"a" * 10_001 + b'", "voice": 1}',
    ],
    ids=range(14),
)
def test_a_wrong_body_is_a_400(client: httpx.Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/audio/speech", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert client.get("/v1/models").status_code == 200


def test_ten_megabytes_are_refused_whether_they_are_announced_or_not(client: httpx.Client) -> None:
    large = json.dumps({"input": "a" * 10_000_000, "voice": 1}).encode()

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    headers = {"content-type": "application/json"}
    for content in (large, pieces()):
        try:
            answer = client.post("/v1/audio/speech", content=content, headers=headers)
        except httpx.TransportError:  # it was refused before all of it was sent
            continue
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert client.get("/v1/models").status_code == 200


def test_nothing_that_a_client_sends_becomes_a_header(client: httpx.Client) -> None:
    evil = "x\r\nset-cookie: a=b\r\n\r\n<html>"
    metadata = {evil: evil, "ключ": "значение", "\0": "\x7f"}
    spoken = speak(client, metadata=metadata)
    assert spoken.status_code in (200, 400)
    asked = speak(client, voice=evil), speak(client, profile=evil), speak(client, model=evil)
    assert {each.status_code for each in asked} <= {400, 404}
    for answer in (spoken, *asked):
        assert "set-cookie" not in answer.headers
        assert all(value.isascii() and value.isprintable() for value in answer.headers.values())
    request_id = speak(client, "ok", metadata={"name": "Ünal"}).headers["x-seedcast-request-id"]
    assert request_id.isalnum()
    for key in ("a b", "é".encode("latin-1"), b"\xff", "a" * 256):
        headers = {"idempotency-key": key}
        body = {"input": TEXT, "voice": 1}
        refused = client.post("/v1/audio/speech", json=body, headers=headers)  # type: ignore[arg-type]
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "idempotency-key")


@pytest.mark.parametrize(
    "name",
    ["%00", "..%2f..%2fetc%2fpasswd", "%2e%2e", "a%0d%0aset-cookie:%20a=b", "%ff%fe", "a" * 5000,
     "%27%20OR%201=1--", "%F0%9F%98%80", "%25"],
)  # fmt: skip
def test_ids_that_are_tricks_are_not_there(client: httpx.Client, name: str) -> None:
    paths = (f"requests/{name}", f"requests/{name}/audio", f"campaigns/{name}", f"models/{name}")
    for path in paths:
        answer = client.get(f"/v1/{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert "set-cookie" not in answer.headers
    assert client.post(f"/v1/campaigns/{name}/cancel").status_code == 404
    assert client.get("/v1/campaigns", params={"after": name}).status_code == 400


def test_names_of_profiles_lead_nowhere(client: httpx.Client) -> None:
    path = f"/v1/requests/{speak(client).headers['x-seedcast-request-id']}/audio"
    eventually(lambda: client.get(path).status_code == 307, what="the request in the index")
    for name in ("../../etc/passwd", "web\0", "", "a" * 5000, "s3://other/object"):
        refused = client.get(path, params={"profile": name, "direct": ""})
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "unknown_profile")
        assert speak(client, profile=name).status_code == 400
