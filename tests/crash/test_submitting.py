"""`seedcast submit` killed at its edges, interrupted, or out of disk.

The same command, run again, continues and accepts each row once.
"""

import random
import re
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.cli.exit_codes import Exit
from seedcast.codec import decode_request
from seedcast.failpoints import VARIABLE
from seedcast.kafka import GroupOffsets, TopicReader
from seedcast.producers.staging.submit import BATCH
from seedcast.schemas.topics import REQUESTS
from seedcast.settings import Settings
from seedcast.storage.audit import audit
from tests.builders import processes
from tests.builders.deployments import environment
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

ROWS = 6 * BATCH
# Slow enough for a signal to strike in the middle.
ONE_AT_A_TIME = '{"linger.ms": "0", "batch.num.messages": "1", "max.in.flight": "1"}'

SUMMARY = re.compile(
    r"([\d,]+) accepted \(([\d,]+) new, ([\d,]+) before\), 0 duplicates, 0 rejected"
)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(
        "id,text\n" + "".join(f"n-{number},Message number {number}.\n" for number in range(ROWS))
    )
    return path


def submit(
    settings: Settings, rows: Path, preexec: Callable[[], None] | None = None, **env: str
) -> ForkedProcess:
    options = ["--campaign", "night", "--id-column", "id", "--voice", "7"]
    return processes.start(
        ["submit", rows, *options], environment(settings) | env, output_of(rows), preexec=preexec
    )


def output_of(rows: Path) -> Path:
    """Return the file of the last submission's output, which a full disk may cut off."""
    return rows.with_name("output")


def limit_files() -> None:
    """Let no file grow beyond this size, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))


Check = Callable[[], None]


@pytest.fixture
def assert_continues(
    settings: Settings, rows: Path, record_property: Callable[[str, object], None]
) -> Check:
    """A function that runs the same command again and asserts that it accepts each row once.

    It continues from what the topic has. No batch was in doubt long enough to be sent twice.
    """

    def check() -> None:
        before, began = len(set(ids(settings))), time.monotonic()
        second = submit(settings, rows)
        code, output = second.wait(300), output_of(rows).read_text()
        record_property("submission over after", f"{time.monotonic() - began:.1f} s")
        assert code == Exit.OK, output
        (summary,) = SUMMARY.findall(output)
        accepted, new, resumed = (int(number.replace(",", "")) for number in summary)
        assert accepted == new + resumed == ROWS
        assert resumed >= before, "what the topic has was sent again"
        request_ids, campaign = ids(settings), read_campaigns(settings)["night"]
        assert (campaign.state, campaign.accepted) == ("sealed", ROWS)
        assert (len(set(request_ids)), len(request_ids)) == (ROWS, ROWS)
        report = audit(settings, "night", None)
        assert (report.accepted, report.sealed, report.breaches) == (ROWS, ROWS, ())
        assert {finding.name: finding.count for finding in report.unfinished} == {
            "waiting_on_requests": ROWS
        }

    return check


def ids(settings: Settings) -> list[str]:
    with TopicReader(settings, settings.topic(REQUESTS)) as reader:
        return [decode_request(record.value).request_id for record in reader.to_end()]


@pytest.mark.parametrize(
    ("edge", "last"),
    [("submit.intended", 3), ("submit.sent", 3), ("submit.noting", 3), ("submit.sealing", 1)],
)
def test_a_submission_killed_at_an_edge_continues(
    settings: Settings,
    rows: Path,
    assert_continues: Check,
    chance: random.Random,
    edge: str,
    last: int,
) -> None:
    killed = submit(settings, rows, **{VARIABLE: f"{edge}:{chance.randint(1, last)}"})
    assert killed.wait(180) == -signal.SIGKILL
    assert_continues()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_submission_ended_by_a_signal_continues(
    settings: Settings,
    rows: Path,
    assert_continues: Check,
    chance: random.Random,
    number: signal.Signals,
    code: int,
) -> None:
    ended = submit(settings, rows, SEEDCAST_KAFKA_OPTIONS=ONE_AT_A_TIME)
    enough, offsets = chance.randint(1, BATCH), GroupOffsets(settings)

    def on_the_topic() -> int:
        bounds = offsets.bounds([settings.topic(REQUESTS)])
        return sum(end - start for start, end in bounds.values())

    eventually(lambda: on_the_topic() >= enough, what=f"{enough} requests on the topic")
    ended.send_signal(number)
    assert ended.wait(300) == code, output_of(rows).read_text()
    assert_continues()


def test_a_submission_on_a_full_disk_names_its_journal_and_continues_later(
    settings: Settings, rows: Path, assert_continues: Check
) -> None:
    full = submit(settings, rows, limit_files)
    code, output = full.wait(300), output_of(rows).read_text()
    assert code == Exit.FATAL, output
    assert "journal" in output
    assert "--state-dir" in output
    assert_continues()
