"""One call of a webhook, to a real server, whatever it answers and its name resolves to."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seedcast.embedded.stack_state import HOST
from seedcast.errors import InvalidSettings
from seedcast.producers.gateway.webhooks.calling import NOT_PUBLIC, Answer, Caller
from seedcast.settings import WebhookSettings
from tests.builders.certificates import certificates
from tests.builders.receiver import Receiver, receiver

LOCAL = WebhookSettings(allow_http=True, allow_networks=(f"{HOST}/32",))
TAKEN = Answer(status=204, problem=None)


@pytest.fixture
def received() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def call(url: str, settings: WebhookSettings = LOCAL, lookup: Any = socket.getaddrinfo) -> Answer:
    async def post() -> Answer:
        caller = Caller(settings, lookup)
        try:
            return await caller.post(url, {"webhook-id": "evt-1"}, b'{"a":1}')
        finally:
            caller.close()

    return asyncio.run(post())


def resolving(*addresses: str) -> Any:
    """Return a look-up that answers with the next of the addresses each time."""
    left = list(addresses)

    def lookup(host: str, port: int, *_: object) -> list[Any]:
        address = left.pop(0)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        rest = (0, 0) if ":" in address else ()
        return [(family, socket.SOCK_STREAM, 6, "", (address, port, *rest))]

    return lookup


def test_an_event_is_posted_as_it_is(received: Receiver) -> None:
    assert call(f"{received.url}?token=1") == TAKEN
    [seen] = received.calls
    assert (seen.path, seen.body) == ("/hook?token=1", b'{"a":1}')
    assert seen.headers["webhook-id"] == "evt-1"
    assert seen.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [400, 410, 429, 500, 599])
def test_an_answer_that_is_no_success_is_a_problem(received: Receiver, status: int) -> None:
    received.statuses = [status]
    answer = call(received.url)
    assert answer.status == status
    assert answer.problem
    assert str(status) in answer.problem


def test_a_redirect_is_not_followed(received: Receiver) -> None:
    received.statuses, received.headers = [302], {"location": received.url}
    answer = call(received.url)
    assert (answer.status, len(received.calls)) == (302, 1)
    assert answer.problem
    assert "redirects" in answer.problem


def test_who_answers_slowly_is_left(received: Receiver) -> None:
    over = threading.Event()
    received.before = over.wait
    quick = LOCAL.model_copy(update={"timeout": 0.2})
    assert call(received.url, quick) == Answer(status=None, problem="no answer within 0.2 s")
    over.set()


def test_a_name_server_that_does_not_answer_is_left() -> None:
    over = threading.Event()
    quick = LOCAL.model_copy(update={"timeout": 0.2})
    answer = call("http://a.example/", quick, lambda *_: over.wait() and [])
    over.set()
    assert answer == Answer(status=None, problem="no answer within 0.2 s")


def test_an_answer_without_end_is_not_read(received: Receiver) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            yield b"x" * 65_536
            sent += 65_536

    received.statuses, received.body = [200], endless
    assert call(received.url) == Answer(status=200, problem=None)
    assert sent < 50_000_000


def test_nobody_who_listens_is_a_problem() -> None:
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        answer = call(f"http://{HOST}:{bound.getsockname()[1]}/")
    assert answer.status is None
    assert answer.problem
    assert "cannot be connected to" in answer.problem


def test_a_name_that_nobody_has_is_a_problem() -> None:
    def lookup(*_: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert call("http://a.example/", LOCAL, lookup).problem == "its name is not known"


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::1", "::ffff:10.0.0.1", "10.0.0.1", "127.0.0.2"]
)
def test_a_name_that_resolves_to_what_is_not_public_is_not_called(address: str) -> None:
    answer = call("http://a.example/", LOCAL, resolving(address))
    assert answer == Answer(status=None, problem=NOT_PUBLIC)
    assert address not in NOT_PUBLIC


def test_a_local_address_is_called_only_where_it_is_allowed(received: Receiver) -> None:
    public_only = WebhookSettings(allow_http=True)
    url = f"http://a.example:{received.port}/hook"
    assert call(url, public_only, resolving(HOST)).problem == NOT_PUBLIC
    assert call(url, LOCAL, resolving(HOST)) == TAKEN
    https_only = LOCAL.model_copy(update={"allow_http": False})
    problem = call(url, https_only, resolving(HOST)).problem
    assert problem
    assert "https" in problem
    assert [seen.headers["host"] for seen in received.calls] == [f"a.example:{received.port}"]


def test_a_name_that_changes_is_resolved_once_for_each_call(received: Receiver) -> None:
    rebinding = resolving("10.0.0.1", HOST)
    url = f"http://a.example:{received.port}/hook"
    assert call(url, LOCAL, rebinding).problem == NOT_PUBLIC
    assert not received.calls
    assert call(url, LOCAL, rebinding) == TAKEN
    other = resolving(HOST, "169.254.169.254")  # a second look-up would lead there
    assert call(url, LOCAL, other) == TAKEN


def test_the_address_is_judged_and_the_name_is_verified(tmp_path: Path) -> None:
    made = certificates(tmp_path)
    trusting = LOCAL.model_copy(update={"ca_location": str(made / "ca.pem"), "allow_http": False})
    with receiver(made) as received:
        url = f"https://localhost:{received.port}/hook"
        other = f"https://a.example:{received.port}/hook"
        assert call(url, trusting, resolving(HOST)) == TAKEN
        wrong_name = call(other, trusting, resolving(HOST))
        unknown = call(url, LOCAL, resolving(HOST))
    assert wrong_name.problem == unknown.problem == "its certificate is not valid for its name"
    assert [seen.headers["host"] for seen in received.calls] == [f"localhost:{received.port}"]


def test_certificates_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="SEEDCAST_WEBHOOKS_CA_LOCATION"):
        Caller(WebhookSettings(ca_location=str(tmp_path / "none.pem")))
