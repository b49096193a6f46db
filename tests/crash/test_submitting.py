"""`seedcast submit` killed at its edges, interrupted, or out of disk.

Nothing is visible before the campaign's record. The same command, run again, gives one campaign
with one list, which has each row once.
"""

import random
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.cli.exit_codes import Exit
from seedcast.codec import decode_campaign, decode_request
from seedcast.failpoints import EDGES, VARIABLE
from seedcast.kafka import TopicReader
from seedcast.producers.staging import part_writer
from seedcast.producers.staging.batches import BATCH
from seedcast.schemas.topics import CAMPAIGNS, REQUESTS, Topic
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import FOLDER, read_rows
from tests.builders import processes
from tests.builders.deployments import environment
from tests.builders.feeding import feed
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import wait_until_stopped

pytestmark = pytest.mark.integration

ROWS = 3 * BATCH
# The last passage of each edge that every run reaches.
PASSAGES = {
    "submit.taken": 3,
    "submit.part": 3,
    "submit.stored": 3,
    "submit.committing": 1,
    "submit.committed": 1,
}
SUBMITTED = f"night: {ROWS:,} accepted, 0 duplicates, 0 rejected"
BEFORE = f"night: already submitted, {ROWS:,} accepted, 0 duplicates, 0 rejected"


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
    options = ["--campaign", "night", "--id-column", "id", "--voice", "7", "--deadline", "2h"]
    return processes.start(
        ["submit", rows, *options],
        environment(settings) | {"COLUMNS": "200"} | env,
        output_of(rows),
        preexec=preexec,
    )


def output_of(rows: Path) -> Path:
    """Return the file of the last submission's output, which a full disk may cut off."""
    return rows.with_name("output")


def small_parts() -> None:
    """Let the list have several parts."""
    part_writer.PART = part_writer.BATCH


def limit_files() -> None:
    """Let no file grow beyond this size, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))


def values(settings: Settings, topic: Topic) -> list[bytes]:
    with TopicReader(settings, settings.topic(topic)) as reader:
        return [record.value for record in reader.to_end()]


def assert_nothing_is_visible(settings: Settings) -> None:
    assert values(settings, CAMPAIGNS) == []
    feed(settings)
    assert values(settings, REQUESTS) == []


@pytest.fixture
def assert_submits(
    settings: Settings, rows: Path, record_property: Callable[[str, object], None]
) -> Callable[[str], None]:
    """A function that runs the same command again, and asserts that it says this.

    Then there is one campaign of one list, which has each row once, and so does the topic.
    """

    def check(said: str) -> None:
        began = time.monotonic()
        code, output = submit(settings, rows).wait(300), output_of(rows).read_text()
        record_property("submission over after", f"{time.monotonic() - began:.1f} s")
        assert code == Exit.OK, output
        assert said in output
        (value,) = values(settings, CAMPAIGNS)
        record = decode_campaign(value)
        assert read_campaigns(settings) == {"night": record}
        assert (record.state, record.accepted) == ("sealed", ROWS)
        ids = [row.request_id for row in read_rows(S3Store(settings.s3), record)]
        assert (len(ids), len(set(ids))) == (ROWS, ROWS)
        feed(settings)
        fed = Counter(decode_request(value).request_id for value in values(settings, REQUESTS))
        assert fed == Counter(ids)

    return check


def test_every_edge_of_a_submission_is_tried() -> None:
    assert list(PASSAGES) == [edge for edge in EDGES if edge.startswith("submit.")]


@pytest.mark.parametrize(
    "edge",
    [
        edge
        if edge in ("submit.stored", "submit.committed")
        else pytest.param(edge, marks=pytest.mark.slow)
        for edge in PASSAGES
    ],
)
def test_a_submission_killed_at_an_edge_left_nothing_or_everything(
    settings: Settings,
    rows: Path,
    assert_submits: Callable[[str], None],
    chance: random.Random,
    edge: str,
) -> None:
    passage = chance.randint(1, PASSAGES[edge])
    killed = submit(settings, rows, small_parts, **{VARIABLE: f"{edge}:{passage}"})
    assert killed.wait(180) == -signal.SIGKILL, output_of(rows).read_text()
    if edge == "submit.committed":
        assert_submits(BEFORE)
        return
    assert_nothing_is_visible(settings)
    assert_submits(SUBMITTED)
    stagings = {info.key.split("/")[2] for info in S3Store(settings.s3).list(f"{FOLDER}/night/")}
    assert len(stagings) == 2, "each run has a folder of its own"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_submission_ended_by_a_signal_left_nothing(
    settings: Settings,
    rows: Path,
    assert_submits: Callable[[str], None],
    chance: random.Random,
    number: signal.Signals,
    code: int,
) -> None:
    edge = f"submit.stored:{chance.randint(1, PASSAGES['submit.stored'])}:stop"
    ended = submit(settings, rows, small_parts, **{VARIABLE: edge})
    wait_until_stopped(ended)
    ended.send_signal(number)
    ended.send_signal(signal.SIGCONT)
    assert ended.wait(300) == code, output_of(rows).read_text()
    assert ("interrupted" in output_of(rows).read_text()) == (number == signal.SIGINT)
    assert_nothing_is_visible(settings)
    assert_submits(SUBMITTED)


def test_a_submission_on_a_full_disk_names_its_file_and_left_nothing(
    settings: Settings, rows: Path, assert_submits: Callable[[str], None]
) -> None:
    right = rows.read_text()
    rows.write_text(right + "".join(f"w-{number},{'…' * 100}\n" for number in range(500)))
    full = submit(settings, rows, limit_files)
    code, output = full.wait(300), output_of(rows).read_text()
    assert code == Exit.FATAL, output
    assert "rejected rows" in output
    assert "--rejected" in output
    assert_nothing_is_visible(settings)
    rows.write_text(right)
    assert_submits(SUBMITTED)
