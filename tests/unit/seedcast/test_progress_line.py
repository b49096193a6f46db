"""What a person reads while a command works, and when it is interrupted, is true and whole."""

from contextlib import redirect_stderr
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from seedcast import settings
from seedcast.campaigns.progress import Progress
from seedcast.cli import app, base
from seedcast.cli.demo import Summary, _delivered, _turns
from seedcast.cli.exit_codes import Exit
from seedcast.cli.progress_bar import progress_bar
from seedcast.cli.progress_line import describe_submission, live
from seedcast.cli.submit import show
from seedcast.gpu_consumers import engines
from seedcast.producers.staging.options import SubmitOptions, SubmitProgress, SubmitReport
from seedcast.producers.staging.submit import submit_requests
from seedcast.settings import Settings


def submission(**values: object) -> SubmitProgress:
    counts: dict[str, object] = {"rows": 320, "accepted": 312, "rejected": 5}
    return SubmitProgress(**counts | values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (submission(), "320 rows, 312 accepted, 5 rejected"),
        (submission(rows=4_320, accepted=1_234), "4,320 rows, 1,234 accepted, 5 rejected"),
        (
            submission(waiting="storing part-00000.parquet; got a refused connection"),
            "320 rows, 312 accepted, 5 rejected; waiting: storing part-00000.parquet; got a"
            " refused connection",
        ),
    ],
)
def test_a_submission_says_how_far_it_is_and_what_it_waits_for(
    progress: SubmitProgress, said: str
) -> None:
    assert describe_submission(progress) == said


def test_a_dry_run_says_that_nothing_was_submitted(capsys: pytest.CaptureFixture[str]) -> None:
    options = SubmitOptions(campaign="dry", voice=1, dry_run=True)
    show(submit_requests(Settings(), [{"text": "Hello."}] * 2, options))
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("dry: nothing was submitted; 2 valid, 0 duplicates, 0 rejected, of 2")
    assert "accepted" not in shown


@pytest.mark.parametrize(
    ("before", "said"), [(False, "night: 4 accepted"), (True, "night: already submitted, 4 acc")]
)
def test_a_list_that_was_submitted_before_is_said_to_be(
    before: bool, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(
        SubmitReport(
            campaign_id="night",
            state="sealed",
            rows=5,
            accepted=4,
            before=before,
            duplicates=1,
            rejected=0,
            rejections=(),
            rejected_file=None,
            seconds=2.0,
        )
    )
    assert capsys.readouterr().out.startswith(said)


def summary(succeeded: int, campaign: str = "demo", done_seconds: float = 8.0) -> Summary:
    return Summary(
        campaign_id=campaign,
        accepted=succeeded,
        rejected=0,
        succeeded=succeeded,
        failed=0,
        expired=0,
        cancelled=0,
        audio_seconds=100.0,
        done_seconds=done_seconds,
        wall_seconds=10.0,
        objects=1,
    )


@pytest.mark.parametrize(
    ("before", "said"),
    [
        # All were submitted by an interrupted run, and are delivered for the first time now.
        (0, "done after 8 s"),
        (300, "12 delivered now, 300 by an earlier run"),
        (312, "nothing was delivered again"),
    ],
)
def test_the_demo_says_what_this_run_has_delivered(before: int, said: str) -> None:
    assert _delivered(summary(312), before) == said


@pytest.mark.parametrize(("seconds", "said"), [(8.0, "done 37 s before"), (48.0, "done 3 s after")])
def test_the_demo_says_which_campaign_was_done_first(seconds: float, said: str) -> None:
    shown = _turns(summary(312, done_seconds=45.0), summary(24, "demo-small", seconds))
    assert shown == (
        f"campaigns take turns: demo-small (24) was submitted last, and was {said} demo (312)"
    )


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
        line.submitted(submission(rows=1_234_567, accepted=1_234_251))
        line.spoken(Progress(accepted=None, succeeded=1_234_251, audio_seconds=98_765_432))
    printed = stderr.getvalue()
    assert "left" not in printed
    assert "…" not in printed
    words = " ".join(Console(width=80).render_str(printed).plain.split())
    for figure in ("1,234,251 accepted", "5 rejected", "98,765,432 s"):
        assert figure in words, printed


def test_each_campaign_has_a_bar_of_its_own_and_a_rate_since_it_began() -> None:
    stderr = StringIO()
    with redirect_stderr(stderr), live() as line:
        for large, small in ((20, 20), (40, 24)):
            line.spoken(Progress(accepted=312, succeeded=large), "demo")
            line.spoken(Progress(accepted=24, succeeded=small), "demo-small")
    one, other = stderr.getvalue().splitlines()
    assert one.startswith("demo ")
    assert "40 succeeded" in one
    assert other.startswith("demo-small ")
    assert "24 succeeded" in other


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


def test_a_check_says_that_it_checks_and_submits_nothing() -> None:
    err = StringIO()
    with redirect_stderr(err), live(is_check=True) as line:
        line.submitted(submission())
        [task] = line._bar.tasks
    assert task.description == "checking"
    assert task.fields["detail"] == "320 rows, 312 right, 5 rejected"
