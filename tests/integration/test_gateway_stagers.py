"""What ends in the middle of a staging: the gateway, its lease, or its process."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.embedded import Stack
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import read_rows
from tests.builders.deployments import fresh
from tests.builders.gateways import Gateway, gateway
from tests.builders.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LIST = b"text,voice\n" + b"Your order leaves today.,2222\n" * 3
LEASE = {"SEEDCAST_GATEWAY_LEASE": "2"}


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return fresh(stack)


def put(client: httpx.Client, name: str) -> None:
    headers = {"content-type": "text/csv"}
    answer = client.put(f"/v1/campaigns/{name}", content=LIST, headers=headers)
    assert answer.status_code == 202, answer.text


def state(client: httpx.Client, name: str) -> str:
    return str(client.get(f"/v1/campaigns/{name}/staging").json()["state"])


def stagers(served: Gateway) -> list[psutil.Process]:
    children = psutil.Process(served.process.pid).children()
    return [child for child in children if "seedcast.cli.stager" in child.cmdline()]


def hanging(served: Gateway) -> psutil.Process:
    """Wait until the process hangs at its failpoint: the list is stored, its record is not."""

    def has_stored() -> bool:
        return any("part-" in i.key for i in S3Store(served.settings.s3).list("_lists/"))

    eventually(has_stored, what="a part of the list")
    [process] = stagers(served)
    return process


def kill(served: Gateway) -> None:
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()


def terminate(served: Gateway) -> None:
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) == 0


@pytest.mark.parametrize("end", [kill, terminate])
def test_the_list_of_a_gateway_that_ends_is_staged_by_another(
    settings: Settings, tmp_path: Path, end: Callable[[Gateway], None]
) -> None:
    hang = {"SEEDCAST_FAILPOINT": "submit.committing:1:hang"}
    with gateway(settings, tmp_path / "first.log", **LEASE, **hang) as first:
        with first.client() as client:
            put(client, "night")
            process = hanging(first)
            assert state(client, "night") == "staging"
        end(first)
        eventually(lambda: not psutil.pid_exists(process.pid), what="the end of its process")
        assert "night" not in read_campaigns(settings)
        with (
            gateway(settings, tmp_path / "second.log", **LEASE) as second,
            second.client() as client,
        ):
            eventually(lambda: state(client, "night") == "done", what="the end of the staging")
    record = read_campaigns(settings)["night"]
    assert record.accepted == 3
    assert len(list(read_rows(S3Store(settings.s3), record))) == 3


def test_a_process_that_is_killed_is_started_again_and_at_last_given_up(
    settings: Settings, tmp_path: Path
) -> None:
    kill_it = {"SEEDCAST_FAILPOINT": "submit.taken:1:kill", "SEEDCAST_GATEWAY_LEASE": "2"}
    with (
        gateway(settings, tmp_path / "gateway.log", **kill_it) as served,
        served.client() as client,
    ):
        put(client, "night")
        eventually(lambda: state(client, "night") == "failed", what="its being given up")
        assert served.log.read_text().count('"stager_ended"') == 3
        assert "night" not in read_campaigns(settings)
        assert client.get("/v1/models").status_code == 200


def test_a_process_of_a_lease_that_ran_out_is_ended(settings: Settings, tmp_path: Path) -> None:
    hang = {"SEEDCAST_FAILPOINT": "submit.committing:1:hang", "SEEDCAST_GATEWAY_LEASE": "3"}
    with gateway(settings, tmp_path / "first.log", **hang) as first, first.client() as client:
        put(client, "night")
        process = hanging(first)
        os.kill(first.process.pid, signal.SIGSTOP)  # it does not renew
        try:
            with (
                gateway(settings, tmp_path / "second.log", **LEASE) as second,
                second.client() as other,
            ):
                eventually(lambda: state(other, "night") == "done", what="the campaign")
        finally:
            os.kill(first.process.pid, signal.SIGCONT)
        eventually(lambda: not process.is_running(), what="the end of the first process")
        assert state(client, "night") == "done"
