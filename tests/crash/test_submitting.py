"""`seedcast submit` killed at its edges, interrupted, or out of disk: the same command goes on, and accepts each row once."""

import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from producers.submit import BATCH
from schemas.topics import REQUESTS
from seedcast.campaigns import read_campaigns
from seedcast.cli.base import Exit
from seedcast.codec import decode_request
from seedcast.failpoints import VARIABLE
from seedcast.kafka import TopicReader
from seedcast.settings import Settings
from tests.conftest import environment, eventually

pytestmark = pytest.mark.integration

ROWS = 6 * BATCH
ONE_AT_A_TIME = '{"linger.ms": "0", "batch.num.messages": "1", "max.in.flight": "1"}'  # so that a signal falls in the middle


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text("id,text\n" + "".join(f"n-{number},Message number {number}.\n" for number in range(ROWS)))
    return path


def submit(settings: Settings, rows: Path, before: Callable[[], None] | None = None, **env: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "seedcast.cli", "submit", str(rows), "--campaign", "night", "--id-column", "id", "--voice", "7"]
    return subprocess.Popen(command, env=environment(settings) | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=before)


def ids(settings: Settings) -> list[str]:
    with TopicReader(settings, settings.topic(REQUESTS)) as reader:
        return [decode_request(record.value).request_id for record in reader.to_end()]


def goes_on(settings: Settings, rows: Path, in_doubt: int) -> None:
    """Accepted is the number of distinct ids on the topic, and only what was in doubt may have come twice."""
    again = submit(settings, rows)
    output, _ = again.communicate(timeout=300)
    assert again.returncode == Exit.OK, output
    found, record = ids(settings), read_campaigns(settings)["night"]
    assert (record.state, record.accepted, len(set(found))) == ("sealed", ROWS, ROWS)
    assert len(found) - ROWS <= in_doubt


@pytest.mark.parametrize(("edge", "last"), [("submit.intended", 3), ("submit.sent", 3), ("submit.noting", 3), ("submit.sealing", 1)])
def test_a_submission_killed_at_an_edge_goes_on(settings: Settings, rows: Path, chance: random.Random, edge: str, last: int) -> None:
    killed = submit(settings, rows, **{VARIABLE: f"{edge}:{chance.randint(1, last)}"})
    assert killed.wait(180) == -signal.SIGKILL
    goes_on(settings, rows, in_doubt=0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_submission_that_a_signal_ends_goes_on(settings: Settings, rows: Path, chance: random.Random, number: signal.Signals, code: int) -> None:
    ended, enough = submit(settings, rows, SEEDCAST_KAFKA_OPTIONS=ONE_AT_A_TIME), chance.randint(1, BATCH)
    eventually(lambda: len(ids(settings)) >= enough, what=f"{enough} requests on the topic")
    ended.send_signal(number)
    output, _ = ended.communicate(timeout=300)
    assert ended.returncode == code, output
    goes_on(settings, rows, in_doubt=0)


def test_a_submission_without_room_on_the_disk_says_so_and_goes_on_later(settings: Settings, rows: Path) -> None:
    full = submit(settings, rows, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536)))  # no file may grow beyond that
    output, _ = full.communicate(timeout=300)
    assert full.returncode == Exit.FATAL, output
    assert b"journal" in output
    assert b"--state-dir" in output
    goes_on(settings, rows, in_doubt=0)
