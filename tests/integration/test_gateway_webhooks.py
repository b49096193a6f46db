"""Webhooks of two gateways on real servers: signed, once and in order; after a crash, not lost.

What an indexer would write is written by the tests, so that campaigns do what a test wants.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import openai
import pytest

from seedcast.embedded import Stack
from seedcast.failpoints import VARIABLE
from seedcast.schemas.messages import Campaign, Cursor
from seedcast.settings import Settings
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.outbox import Event
from tests.builders.deployments import fresh, rows, run
from tests.builders.gateways import Gateway, gateway
from tests.builders.indexed import STAGING, listed, writing
from tests.builders.receiver import ALLOWED, Call, Receiver, receiver
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

VARIABLES = ALLOWED | {"SEEDCAST_WEBHOOKS_TIMEOUT": "2"}


@dataclass
class Served:
    gateways: list[Gateway]

    @property
    def accounts(self) -> Accounts:
        return self.gateways[0].accounts

    @property
    def settings(self) -> Settings:
        return self.gateways[0].settings

    def client(self, tenant: str) -> httpx.Client:
        return self.gateways[0].client("operate", tenant=tenant)


@pytest.fixture(scope="module")
def served(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two replicas."""
    settings, folder = prepared(stack), tmp_path_factory.mktemp("webhooks")
    with ExitStack() as opened:
        yield Served(
            [
                opened.enter_context(gateway(settings, folder / f"{number}.log", **VARIABLES))
                for number in range(2)
            ]
        )


def prepared(stack: Stack) -> Settings:
    """Return settings of a deployment with an index."""
    settings = fresh(stack)
    with writing(settings.index):
        return settings


@pytest.fixture
def received() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def add(client: httpx.Client, url: str, *event_types: str) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", json={"url": url, "event_types": event_types})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def write(settings: Settings, *campaigns: Campaign, fed: int = 0) -> None:
    with writing(settings.index) as writer:
        writer.put_campaigns(campaigns)
        if fed:
            writer.put_cursors(
                Cursor(campaign_id=each.campaign_id, staging=STAGING, fed=fed, generation=1)
                for each in campaigns
            )


def campaign(name: str, tenant: str, **changes: Any) -> Campaign:
    record = listed(name, 5)
    return msgspec.structs.replace(record, tenant=tenant, created_at=datetime.now(UTC), **changes)


def begun(accounts: Accounts) -> None:
    eventually(lambda: accounts.outbox.position() is not None, what="a first look")


def told(calls: list[Call]) -> list[str]:
    return [msgspec.json.decode(call.body)["type"] for call in calls]


def test_each_event_comes_once_in_order_and_verifies(served: Served, received: Receiver) -> None:
    begun(served.accounts)
    with served.client("bank") as client:
        made = add(client, f"{received.url}?token=hidden")
        soon = datetime.now(UTC) + timedelta(seconds=2)
        names = [f"night-{number}" for number in range(5)]
        open_ones = [campaign(name, "bank", deadline=soon) for name in names]
        write(served.settings, *open_ones, campaign("other", "clinic"), fed=2)
        eventually(lambda: len(received.calls) == 10, what="five starts and five deadlines")
        done = [campaign(name, "bank", deadline=soon, state="cancelled") for name in names]
        write(served.settings, *done)
        eventually(lambda: len(received.calls) == 15, what="five ends")
        page = client.get(f"/v1/webhooks/{made['id']}/deliveries").json()
        shown = client.get(f"/v1/webhooks/{made['id']}").json()
    assert {each["state"] for each in page["data"]} == {"delivered"}
    assert shown["failing_since"] is None
    unwrap, secret = openai.OpenAI(api_key="none").webhooks.unwrap, made["signing_secret"]
    for call in received.calls:
        unwrap(call.body, call.headers, secret=secret)
    order = ["campaign.started", "campaign.late", "campaign.cancelled"]
    for name in names:
        own = [
            each for each in received.calls if msgspec.json.decode(each.body)["data"]["id"] == name
        ]
        assert told(own) == order
    assert len({call.headers["webhook-id"] for call in received.calls}) == 15
    logs = "".join(each.log.read_text() for each in served.gateways)
    assert "webhook_delivered" in logs
    assert secret not in logs
    assert "hidden" not in logs
    assert "signing_secret" not in shown.keys() - {"signing_secret_hint"}


def test_a_batch_tells_openais_clients(served: Served, received: Receiver) -> None:
    with served.client("batches") as client:
        secret = add(client, received.url, "batch.completed")["signing_secret"]
    for event_type in ("batch.failed", "batch.completed"):
        event = Event(
            tenant="batches", subject="batch b-1", type=event_type, data={"id": "batch_1"}
        )
        assert served.accounts.outbox.put(event, datetime.now(UTC))
    eventually(lambda: received.calls, what="a delivery")
    [call] = received.calls
    seen = openai.OpenAI(api_key="none").webhooks.unwrap(call.body, call.headers, secret=secret)
    assert (seen.type, seen.data.id) == ("batch.completed", "batch_1")


def test_what_fails_is_tried_again_and_who_is_gone_is_left(
    served: Served, received: Receiver
) -> None:
    received.statuses = [500, 204, 410]
    with served.client("shop") as client:
        path = f"/v1/webhooks/{add(client, received.url)['id']}"
        first = client.post(f"{path}/test")
        assert first.status_code == 202
        eventually(
            lambda: client.get(first.headers["location"]).json()["state"] == "delivered",
            what="a second attempt",
        )
        shown = client.get(first.headers["location"]).json()
        assert (shown["attempts"], shown["status"], shown["type"]) == (2, 204, "webhook.test")
        assert len({call.headers["webhook-id"] for call in received.calls}) == 1
        client.post(f"{path}/test")
        eventually(lambda: client.get(path).json()["state"] == "disabled", what="its end")
        [listed_one] = client.get("/v1/webhooks").json()["data"]
        assert listed_one["reason"] == "it answered 410 Gone"
        assert client.post(f"{path}/test").status_code == 409
        assert client.patch(path, json={"state": "enabled"}).json()["reason"] is None
        client.post(f"{path}/test")
        eventually(lambda: len(received.calls) == 4, what="a call")
        assert client.delete(path).json()["deleted"] is True
        assert client.get(path).status_code == 404


def test_one_that_hangs_holds_up_no_other(served: Served, received: Receiver) -> None:
    over = threading.Event()
    with receiver() as slow, served.client("mixed") as client:
        slow.before = over.wait
        stuck = add(client, slow.url)["id"]
        add(client, received.url)
        write(served.settings, *(campaign(f"m-{number}", "mixed") for number in range(3)), fed=1)
        eventually(lambda: len(received.calls) == 3, what="what the other is told")

        def problems() -> set[str]:
            found = client.get(f"/v1/webhooks/{stuck}/deliveries").json()["data"]
            return {each["problem"] for each in found if each["problem"]}

        eventually(lambda: problems() == {"no answer within 2 s"}, what="a time-out")
        client.delete(f"/v1/webhooks/{stuck}")
        over.set()


def test_what_is_wrong_is_refused(served: Served) -> None:
    with served.client("wrong") as client:
        for body, param in (
            ({"url": "http://169.254.169.254/"}, "url"),
            ({"url": "https://[::ffff:10.0.0.1]/"}, "url"),
            ({"url": "https://a.example/", "event_types": ["campaign.ended"]}, "event_types[0]"),
            ({"url": "https://a.example/", "secret": "mine"}, None),
        ):
            answer = client.post("/v1/webhooks", json=body)
            assert answer.status_code == 400, body
            assert answer.json()["error"]["param"] == param
        path = f"/v1/webhooks/{add(client, 'https://a.example/')['id']}"
        assert client.patch(path, json={"url": "https://10.0.0.1/"}).status_code == 400
        assert client.get(f"{path}/deliveries?after=evt-1").status_code == 400
        assert client.get(f"{path}/deliveries/evt-1").status_code == 404
        assert client.get("/v1/webhooks/webhook-%00").status_code == 404


def test_the_command_line_tests_it_by_a_gateway(served: Served, received: Receiver) -> None:
    added = rows(
        run(
            served.settings,
            *("webhooks", "add", received.url, "--tenant", "cli", "--json"),
            **VARIABLES,
        )
    )
    webhook_id = added[0]["webhook_id"]
    [shown] = rows(run(served.settings, "webhooks", "test", webhook_id, "--json"))
    assert (shown["state"], shown["status"]) == ("delivered", 204)
    assert told(received.calls) == ["webhook.test"]
    event_id = received.calls[0].headers["webhook-id"]
    [renewed] = rows(run(served.settings, "webhooks", "rotate", webhook_id, "--json"))
    run(served.settings, "webhooks", "resend", webhook_id, event_id)
    eventually(lambda: len(received.calls) == 2, what="the same event again")
    call = received.calls[1]
    assert call.headers["webhook-id"] == event_id
    for secret in (str(added[0]["signing_secret"]), str(renewed["signing_secret"])):
        openai.OpenAI(api_key="none").webhooks.unwrap(call.body, call.headers, secret=secret)
    refused = run(served.settings, "webhooks", "resend", webhook_id, "evt-none")
    assert refused.returncode == 2
    assert "seedcast webhooks deliveries" in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edge", "calls"), [("webhooks.written", 1), ("webhooks.taken", 1), ("webhooks.answered", 2)]
)
def test_kill_9_between_outbox_and_delivery_loses_nothing(
    stack: Stack, tmp_path: Path, received: Receiver, edge: str, calls: int
) -> None:
    settings = prepared(stack)
    doomed = {VARIABLE: f"{edge}:1", **VARIABLES}
    with gateway(settings, tmp_path / "doomed.log", **doomed) as first:
        begun(first.accounts)
        with first.client("operate") as client:
            made = add(client, received.url)
        write(settings, campaign("night", "bank"), fed=1)
        assert first.process.wait(60) == -9
        with gateway(settings, tmp_path / "heir.log", **VARIABLES) as heir:
            eventually(
                lambda: (
                    [each.state for each in heir.accounts.deliveries.page(made["id"], limit=9)[0]]
                    == ["delivered"]
                ),
                what="its delivery by the other",
            )
    assert told(received.calls) == ["campaign.started"] * calls
    assert len({call.headers["webhook-id"] for call in received.calls}) == 1
