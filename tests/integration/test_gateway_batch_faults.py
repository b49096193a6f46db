"""What ends in the middle of a batch: its process, its gateway, or a worker."""

import os
import signal
import time
from pathlib import Path

import openai
import pytest

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.embedded import Stack
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from tests.builders.batches import ENDS, begin, line, lines_of, until, workers
from tests.builders.deployments import fresh
from tests.builders.gateways import Gateway, gateway
from tests.builders.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LEASE = {"SEEDCAST_GATEWAY_LEASE": "2"}
LINES = [line("a"), line("b"), line("wrong", speed=9)]


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return fresh(stack)


def client_of(served: Gateway) -> openai.OpenAI:
    return openai.OpenAI(api_key=served.key(tenant="shop"), base_url=f"{served.url}/v1")


def whole(client: openai.OpenAI, batch_id: str) -> None:
    """Fail unless each line is in one of two files, once, and there are no others."""
    done = client.batches.retrieve(batch_id)
    outputs = [file for file in client.files.list() if file.purpose == "batch_output"]
    assert {file.id for file in outputs} == {done.output_file_id, done.error_file_id}
    found = [lines_of(client, file) for file in (done.output_file_id, done.error_file_id)]
    assert [[each["custom_id"] for each in lines] for lines in found] == [["a", "b"], ["wrong"]]


@pytest.mark.parametrize(
    ("failpoint", "what"),
    [("submit.committing:1:hang", "staged"), ("submit.committed:1:hang", "committed")],
)
def test_a_batch_whose_gateway_and_stager_die_is_staged_by_another(
    settings: Settings, tmp_path: Path, failpoint: str, what: str
) -> None:
    hang = {"SEEDCAST_FAILPOINT": failpoint}
    with gateway(settings, tmp_path / "first.log", **LEASE, **hang) as first:
        made = begin(client_of(first), *LINES)

        def is_there() -> bool:
            parts = S3Store(settings.s3).list(f"_lists/{made.id}/")
            is_staged = any("part-" in each.key for each in parts)
            return is_staged and (what == "staged" or made.id in read_campaigns(settings))

        eventually(is_there, what="the stager at its failpoint")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        with (
            workers(settings, tmp_path),
            gateway(settings, tmp_path / "second.log", **LEASE) as second,
        ):
            client = client_of(second)
            assert until(client, made, *ENDS).status == "completed"
            whole(client, made.id)
    assert read_campaigns(settings)[made.id].accepted == 2


def test_a_gateway_that_dies_before_the_end_is_written_shows_no_file_twice(
    settings: Settings, tmp_path: Path
) -> None:
    die = {"SEEDCAST_FAILPOINT": "batch.finishing:1:kill"}
    with (
        workers(settings, tmp_path),
        gateway(settings, tmp_path / "first.log", **LEASE, **die) as first,
    ):
        made = begin(client_of(first), *LINES)
        eventually(lambda: first.process.poll() is not None, what="the end of the gateway")
        with gateway(settings, tmp_path / "second.log", **LEASE) as second:
            client = client_of(second)
            assert until(client, made, *ENDS).status == "completed"
            whole(client, made.id)


def test_what_is_fed_and_not_spoken_in_the_window_expires(
    settings: Settings, tmp_path: Path
) -> None:
    with (
        workers(settings, tmp_path) as started,
        gateway(settings, tmp_path / "gateway.log") as served,
    ):
        client = client_of(served)
        until(client, begin(client, line("first")), "completed")
        os.kill(started["gpu-consumer"].pid, signal.SIGSTOP)
        made = begin(client, line("a"), line("b"), window="1m")
        until(client, made, "in_progress")
        path = f"/v1/campaigns/{made.id}"
        with served.client(tenant="shop") as asking:
            eventually(lambda: asking.get(path).json().get("fed") == 2, what="its feeding")
        end = made.expires_at or 0
        eventually(lambda: time.time() > end, what="the end of its window")
        os.kill(started["gpu-consumer"].pid, signal.SIGCONT)
        done = until(client, made, *ENDS)
        assert (done.status, done.output_file_id) == ("expired", None)
        assert done.request_counts
        assert (done.request_counts.completed, done.request_counts.failed) == (0, 0)
        lines = lines_of(client, done.error_file_id)
        assert [each["error"]["code"] for each in lines] == ["batch_expired"] * 2  # type: ignore[index]
