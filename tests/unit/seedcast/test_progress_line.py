"""What a person reads while a command works, and when it is interrupted, is true and whole."""

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from seedcast import settings
from seedcast.campaigns.progress import Progress
from seedcast.cli import app, base
from seedcast.cli.demo import Summary, _delivered
from seedcast.cli.exit_codes import Exit
from seedcast.cli.progress_bar import progress_bar
from seedcast.cli.progress_line import describe_submission, live
from seedcast.cli.submit import show
from seedcast.gpu_consumers import engines
from seedcast.producers.staging.options import SubmitOptions, SubmitProgress
from seedcast.producers.staging.submit import submit_requests
from seedcast.settings import Settings


def submission(**counts: int | None) -> SubmitProgress:
    values: dict[str, int | None] = {"rows": 320, "new": 0, "acknowledged": 0, "rejected": 5}
    return SubmitProgress(**values | counts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (submission(new=312, acknowledged=7), "320 rows, 7 of 312 acknowledged, 5 rejected"),
        (submission(resumed=312), "320 rows, 312 submitted before, 5 rejected"),
        (
            submission(new=12, acknowledged=12, resumed=300),
            "320 rows, 12 of 12 acknowledged, 300 submitted before, 5 rejected",
        ),
        (submission(new=312, acknowledged=None), "320 rows, 312 valid, 5 rejected"),
        (submission(rejected=320), "320 rows, 0 of 0 acknowledged, 320 rejected"),
    ],
)
def test_a_submission_says_what_this_run_has_done(progress: SubmitProgress, said: str) -> None:
    assert describe_submission(progress) == said


def test_a_dry_run_acknowledges_and_accepts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[SubmitProgress] = []
    options = SubmitOptions(campaign="dry", voice=1, dry_run=True)
    report = submit_requests(Settings(), [{"text": "Hello."}] * 2, options, seen.append)
    assert {progress.acknowledged for progress in seen} == {None}
    show(report)
    shown = capsys.readouterr().out
    assert shown.startswith("dry: nothing was sent; 2 valid, 0 duplicates, 0 rejected, of 2 rows")
    assert "accepted" not in shown


def summary(succeeded: int) -> Summary:
    return Summary(
        campaign_id="demo",
        accepted=succeeded,
        rejected=0,
        succeeded=succeeded,
        failed=0,
        expired=0,
        cancelled=0,
        audio_seconds=100.0,
        wall_seconds=10.0,
        objects=1,
    )


@pytest.mark.parametrize(
    ("before", "said"),
    [
        # All were submitted by an interrupted run, and are delivered for the first time now.
        (0, "10 × real time, start and stop included"),
        (300, "12 delivered now, 300 by an earlier run"),
        (312, "nothing was delivered again"),
    ],
)
def test_the_demo_says_what_this_run_has_delivered(before: int, said: str) -> None:
    assert _delivered(summary(312), before) == said


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [StringIO, Terminal])
def test_the_bars_are_whole_at_80_columns_and_say_left_only_with_a_time(
    kind: type[StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base.err, "width", 80)
    stderr = kind()
    with redirect_stderr(stderr), live() as line:
        line.submitted(submission(rows=1_234_567, new=1_234_251, acknowledged=1_234_251))
        line.spoken(Progress(accepted=None, succeeded=1_234_251, audio_seconds=98_765_432))
    printed = stderr.getvalue()
    assert "left" not in printed
    assert "…" not in printed
    words = " ".join(Console(width=80).render_str(printed).plain.split())
    for figure in ("1,234,251 of 1,234,251", "5 rejected", "98,765,432 s"):
        assert figure in words, printed


def test_a_bar_says_left_where_it_knows_the_time() -> None:
    times = iter(range(100))
    with redirect_stderr(StringIO()), progress_bar() as bar:
        bar.get_time = lambda: float(next(times))
        task = bar.add_task("speaking", total=10, detail="")
        column = bar.columns[-1]
        assert str(column(bar.tasks[0])) == ""
        for _ in range(3):
            bar.advance(task)
        assert str(column(bar.tasks[0])).endswith(" left")
        bar.update(task, completed=10)
        assert str(column(bar.tasks[0])) == ""


def test_the_rate_counts_outcomes_of_this_run_only() -> None:
    stderr = StringIO()
    with redirect_stderr(stderr), live() as line:
        line.spoken(Progress(accepted=400, succeeded=312))
    assert "0/s" in stderr.getvalue()


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "command",
    [
        "demo",
        "submit list.csv --campaign a",
        "retry a",
        "campaigns --wait a",
        "cancel a --wait",
        "up",
        "models pull",
    ],
)
def test_an_interrupted_command_that_can_go_on_says_so(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "load", interrupted)
    monkeypatch.setattr(engines, "ensure_chattts_installed", lambda: None)
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == Exit.INTERRUPTED
    said = done.stderr.splitlines()[-1]
    assert said.startswith("interrupted;")
    assert said.endswith("; run it again to go on")
