"""Tables lose nothing: not in a pipe, and not at 80 columns."""

import re
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO

import pytest
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from seedcast.catalog import profiles as catalog
from seedcast.cli import base, tables
from seedcast.cli.audit import _print as print_audit
from seedcast.cli.campaign_rows import COLUMNS
from seedcast.cli.campaigns import print_rows as print_campaigns
from seedcast.cli.doctor import _print_settings as print_settings
from seedcast.cli.fleet import COLUMNS as WORKER_COLUMNS
from seedcast.cli.fleet import Shown, print_fleet, print_line
from seedcast.cli.models import _print as print_models
from seedcast.cli.models import _print_comparisons
from seedcast.cli.profiles import cells, profiles
from seedcast.cli.stack import _print as print_status
from seedcast.cli.topics import list_topics
from seedcast.fleet.fleet import Seen
from seedcast.gpu_consumers.engines.chattts.weights.assets import Comparison
from seedcast.gpu_consumers.engines.chattts.weights.inventory import Model
from seedcast.schemas.topics import TOPICS
from seedcast.settings import Settings
from seedcast.settings import table as settings_table
from seedcast.storage.audit.report import Check, Report
from tests.builders.workers import a_worker

LONG = "a-campaign-with-a-name-as-long-as-it-may-be-2026-11-29"
CAMPAIGN = {
    "campaign_id": LONG,
    "state": "sealed",
    "activity": "scheduled",
    "opens_at": "2026-12-01T20:00+08:00",
    "share": 0.375,
    "tenant": "a-bank-with-a-long-name",
    "weight": 2.5,
    "rate_limit": 200.0,
    "accepted": 1_234_567,
    "fed": 1_234_566,
    "held": None,
    "strays": 0,
    "stray_ids": (),
    "succeeded": 1_234_251,
    "failed": 312,
    "expired": 3,
    "cancelled": 1,
    "audio_seconds": 12_345_678.9,
    "rate": 1234.5,
    "seconds_left": None,
}
LAG = {
    "group": "seedcast.gpu-consumers",
    "topic": "seedcast.requests.urgent",
    "partition": 17,
    "committed": 123_456_789,
    "end": 123_457_101,
    "lag": 312,
}
A_WORKER = a_worker("seedcast-gpu-consumer-7d9f8b6c5d-x2v9q-1-1f2e3d", slots=512)
SHA = "0123456789abcdef" * 4
COMPARISON = Comparison("asset/gpt/model.safetensors", SHA, "missing")
MODEL = Model("chattts-with-a-long-name", "/srv/" + "x" * 60, "full", 1_200_000_000, True)


def audit_report() -> Report:
    return Report(
        campaign_id=LONG,
        state="sealed",
        sealed=312,
        accepted=312,
        outcomes={"succeeded": 312},
        repeats=0,
        checks=(Check("objects", "each object is there and has the hash of its manifest", 312),),
    )


# What is printed, and what must be in it, whole.
CASES: dict[str, tuple[Callable[[], None], list[str]]] = {
    "campaigns": (
        lambda: print_campaigns([CAMPAIGN]),
        [
            LONG,
            "1,234,567",
            "1,234,566",
            "1,234,251",
            "312",
            "12,345,678.9",
            "1,234.5",
            "2026-12-01T20:00+08:00",
            "38%",
            "a-bank-with-a-long-name",
            "200/s",
            *COLUMNS.values(),
        ],
    ),
    "status": (lambda: print_status("lag", [LAG]), [*LAG, *map(str, LAG.values())]),
    "fleet": (
        lambda: print_fleet(Shown([Seen(A_WORKER, 4.2)])),
        [*WORKER_COLUMNS, A_WORKER.worker_id, "gpu-consumer", "ready", "512", "espeak-0f0f0f0f"],
    ),
    "fleet in a line": (
        lambda: print_line(
            Shown([Seen(replace(A_WORKER, busy=7), 4.2), Seen(replace(A_WORKER, kind="feeder"), 1)])
        ),
        ["fleet: 2 workers; GPU slots: 512, 7 busy"],
    ),
    "doctor": (
        lambda: print_settings(Settings(), False),
        [variable for variable, *_ in settings_table()],
    ),
    "profiles": (
        profiles,
        [cell for row in catalog.load(Settings().postprocess).values() for cell in cells(row)],
    ),
    "topics": (
        list_topics,
        [f"seedcast.{topic.name}" for topic in TOPICS] + ["max.message.bytes=", "retention.ms="],
    ),
    "models": (lambda: print_models([MODEL]), [MODEL.name, MODEL.folder, "1,200"]),
    "comparisons": (lambda: _print_comparisons([COMPARISON]), [COMPARISON.path, SHA, "missing"]),
    "audit": (lambda: print_audit(audit_report()), ["the hash of its manifest", "312"]),
}


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [StringIO, Terminal])
@pytest.mark.parametrize("command", CASES)
def test_no_name_and_no_value_is_cut_at_80_columns(
    command: str, kind: type[StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    show, expected = CASES[command]
    file = kind()
    monkeypatch.setattr(base.out, "width", 80)
    with redirect_stdout(file):
        show()
    text = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    assert "…" not in text
    assert [word for word in expected if word not in text] == []


@pytest.mark.parametrize("console", [base.out, base.err])
def test_a_line_stays_one_line_in_a_pipe(
    console: Console, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 80)
    console.print("a path with spaces /srv/one two " * 10)
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count("\n") == 1


def table(width: int | None, stacked_first: tuple[str, ...] = ()) -> list[str]:
    """Return the lines for a terminal of that width; for a pipe if None."""
    console = Console(file=StringIO(), width=width or 20, force_terminal=width is not None)
    rows = [["first", "12", "one thing", "x"], ["a second", "3", Text("another"), ""]]
    columns = ["name", "n", "what it is", "y"]
    found = tables.lines(columns, rows, console, stacked_first=stacked_first)
    return [line.plain for line in found]


def test_what_fits_is_a_plain_table() -> None:
    expected = [
        "name      n   what it is  y",
        "first     12  one thing   x",
        "a second  3   another",
    ]
    assert table(27) == expected
    assert table(None) == expected, "a pipe has no width"


def test_columns_are_stacked_from_the_right_until_the_rest_fits() -> None:
    assert table(26) == [
        "name      n   what it is",
        "first     12  one thing",
        "  y x",
        "a second  3   another",
    ]
    assert table(20) == [
        "name      n",
        "first     12",
        "  what it is one",
        "  thing",
        "  y x",
        "a second  3",
        "  what it is another",
    ]


def test_the_columns_of_least_worth_are_stacked_first() -> None:
    assert table(26, ("n",))[:3] == [
        "name      what it is  y",
        "first     one thing   x",
        "  n 12",
    ]


def test_the_first_column_stays_whole_however_narrow_the_terminal_is() -> None:
    assert table(4)[:2] == ["name", "first"]
