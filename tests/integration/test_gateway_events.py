"""Server-sent events of a gateway: what is told, to whom, and how streams end."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from seedcast.embedded import Stack
from seedcast.schemas.messages import Campaign
from seedcast.settings import Settings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.keys import SCOPES, KeyLimits, Scope
from seedcast.storage.index.writer import IndexWriter
from tests.builders import processes
from tests.builders.deployments import environment, fresh
from tests.builders.indexed import add, listed, result, rows, writing
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually
from tests.integration.test_gateway import url_of

pytestmark = pytest.mark.integration


@dataclass
class Serving:
    """Two gateways, and an indexer's hand on the index that they read."""

    settings: Settings
    accounts: Accounts
    index: IndexWriter
    urls: tuple[str, str]
    gateways: tuple[ForkedProcess, ForkedProcess]

    def headers(self, *scopes: Scope, tenant: str = "shop", **limits: Any) -> dict[str, str]:
        given = scopes or SCOPES
        secret = self.accounts.add_key("test", tenant, given, KeyLimits(**limits))[1]
        return {"authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def serving(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("events")
    settings = fresh(stack)
    with ExitStack() as opened:
        accounts = opened.enter_context(open_accounts(settings.accounts))
        index = opened.enter_context(writing(settings.index))
        logs = [folder / f"{name}.log" for name in ("first", "second")]
        first, second = (gateway(opened, settings, log) for log in logs)
        urls = url_of(logs[0]), url_of(logs[1])
        yield Serving(settings, accounts, index, urls, (first, second))


def gateway(opened: ExitStack, settings: Settings, log: Path) -> ForkedProcess:
    started = processes.start(["run", "gateway"], environment(settings), log)
    opened.callback(started.wait)
    opened.callback(started.kill)
    return started


class Stream:
    """An open stream, read event by event."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._lines = response.iter_lines()

    def next(self) -> dict[str, Any]:
        """Return the next campaign that is told of; remember the id that comes with it."""
        for data in self._events():
            if data is not None:
                return data
        raise EOFError

    def until_present(self) -> list[dict[str, Any]]:
        """Return what the stream begins with, until it says that this is all there is by now."""
        told = list[dict[str, Any]]()
        for data in self._events():
            if data is None:
                return told
            told.append(data)
        raise EOFError

    def _events(self) -> Iterator[dict[str, Any] | None]:
        data: dict[str, Any] | None = None
        seen_id = False
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id, seen_id = value, True
            elif name == "data":
                data = json.loads(value)
            elif not line and seen_id:
                yield data
                data, seen_id = None, False


@contextmanager
def stream(url: str, headers: dict[str, str], path: str = "/v1/events") -> Iterator[Stream]:
    with httpx.stream("GET", url + path, headers=headers, timeout=30) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


def of_shop(name: str, tenant: str = "shop") -> Campaign:
    return msgspec.structs.replace(listed(name, 3), tenant=tenant)


def test_a_night_is_seen_to_go_on_also_at_another_replica(serving: Serving) -> None:
    headers = serving.headers("read", tenant="mill")
    serving.index.put_campaigns([of_shop("mill-night", "mill")])
    path = "/v1/campaigns/mill-night/events"
    with stream(serving.urls[0], headers, path) as first:
        begun = first.next()
        assert (begun["campaign_id"], begun["accepted"], begun["succeeded"]) == ("mill-night", 3, 0)
        serving.index.load_list("mill-night", rows(3))
        add(serving.index, result("mill-night", 1))
        while (told := first.next())["succeeded"] == 0:
            pass
        assert told["succeeded"] == 1
        seen = first.last_id
    add(serving.index, result("mill-night", 2, "failed"))
    with stream(serving.urls[1], headers | {"last-event-id": seen}, path) as second:
        told = second.next()
        assert (told["succeeded"], told["failed"], told["errors"]) == (1, 1, {"unstable": 1})
        last = second.last_id
    with stream(serving.urls[0], headers | {"last-event-id": last}, path) as third:
        assert third.until_present() == [], "nothing is told again"


def test_a_stream_begins_with_what_has_not_ended_and_an_id_with_what_was_missed(
    serving: Serving,
) -> None:
    headers = serving.headers("read", tenant="farm")
    ended = msgspec.structs.replace(of_shop("farm-old", "farm"), state="completed")
    serving.index.put_campaigns([ended, of_shop("farm-new", "farm")])
    with stream(serving.urls[0], headers) as begun:
        assert names(begun.until_present()) == ["farm-new"]
        seen = begun.last_id
    with stream(serving.urls[0], headers | {"last-event-id": "1"}) as all_of_it:
        assert names(all_of_it.until_present()) == ["farm-old", "farm-new"]
    with stream(serving.urls[1], headers | {"last-event-id": seen}) as nothing:
        assert nothing.until_present() == []
    future = {"last-event-id": str(int(seen) + 10**9)}
    with stream(serving.urls[1], headers | future) as unknown:
        assert names(unknown.until_present()) == ["farm-old", "farm-new"], "of another index"


def names(told: list[dict[str, Any]]) -> list[str]:
    return [each["campaign_id"] for each in told]


def test_nobody_hears_of_another_tenants_campaigns(serving: Serving) -> None:
    bank, shop = (serving.headers("read", tenant=name) for name in ("bank", "shop"))
    serving.index.put_campaigns([of_shop("bank-1", "bank"), of_shop("shop-1")])
    with stream(serving.urls[0], shop) as told:
        assert names(told.until_present()) == ["shop-1"]
        serving.index.put_campaigns([of_shop("bank-2", "bank"), of_shop("shop-2")])
        assert told.next()["campaign_id"] == "shop-2"
    url = f"{serving.urls[0]}/v1/campaigns/bank-1/events"
    assert httpx.get(url, headers=shop).status_code == 404
    with stream(serving.urls[0], bank, "/v1/campaigns/bank-1/events") as own:
        assert own.next()["campaign_id"] == "bank-1"


@pytest.mark.parametrize("given", ["-1", "now", "1.5", "9" * 40, "١"])
def test_an_id_that_is_none_is_refused(serving: Serving, given: str) -> None:
    headers = [*serving.headers().items(), ("last-event-id", given.encode())]
    answer = httpx.get(f"{serving.urls[0]}/v1/events", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "last-event-id"


def test_a_key_has_as_many_streams_as_it_may(serving: Serving) -> None:
    headers = serving.headers(concurrency=2)
    url = serving.urls[0]
    with stream(url, headers), stream(url, headers):
        refused = httpx.get(f"{url}/v1/events", headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_at_once")

    def is_served() -> bool:
        with httpx.stream("GET", f"{url}/v1/events", headers=headers) as response:
            return response.status_code == 200

    eventually(is_served, what="a place that is free again")


def test_sigterm_ends_200_streams_whole(serving: Serving, tmp_path: Path) -> None:
    headers = serving.headers("read", tenant="shop", requests_per_second=1000.0)
    log = tmp_path / "third.log"
    with ExitStack() as opened:
        third = gateway(opened, serving.settings, log)
        url = url_of(log)
        client = opened.enter_context(
            httpx.Client(limits=httpx.Limits(max_connections=None), timeout=30)
        )
        open_streams = [
            Stream(opened.enter_context(client.stream("GET", f"{url}/v1/events", headers=headers)))
            for _ in range(200)
        ]
        for each in open_streams:
            each.until_present()
        assert "seedcast_gateway_listeners 200.0" in httpx.get(f"{url}/metrics").text
        os.kill(third.pid, signal.SIGTERM)
        for each in open_streams:
            with pytest.raises(EOFError):  # not RemoteProtocolError: the last chunk has come
                each.next()
        assert third.wait(30) == 0
    assert "Traceback" not in log.read_text()
