"""`demo`: the main job on the embedded stack, from lists to files that a person can play."""

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli import local_gateway
from seedcast.cli.base import (
    EngineName,
    Json,
    app,
    connected,
    continues,
    emit,
    err,
    load_embedded,
    out,
    quiet_logs,
    steps,
)
from seedcast.cli.exit_codes import Exit

if TYPE_CHECKING:
    from seedcast.campaigns.progress import Progress
    from seedcast.cli.progress_line import Line
    from seedcast.embedded import Process, Stack
    from seedcast.producers.staging.options import SubmitReport
    from seedcast.settings import Settings

FEEDER, GPU = "feeder-1", "gpu-consumer-1"
WORKERS = {
    GPU: ["run", "gpu-consumer"],
    "postprocess-1": ["run", "postprocess"],
    "indexer-1": ["run", "indexer"],
    "gateway-1": ["run", "gateway"],
    FEEDER: ["run", "feeder"],
}
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "notifications.csv"
SMALL = 24  # rows of the small list, if the large one is much longer


@dataclass(frozen=True)
class DemoList:
    """One of the two lists, and what an earlier run has delivered of it."""

    file: Path
    campaign: str
    before: int = 0


@dataclass(frozen=True)
class Summary:
    """What `--json` prints of each campaign."""

    campaign_id: str
    accepted: int
    rejected: int
    succeeded: int
    failed: int
    expired: int
    cancelled: int
    audio_seconds: float
    done_seconds: float  # from the submission of both until the last result of this one
    wall_seconds: float  # of the whole command
    objects: int

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed + self.expired + self.cancelled


@app.command(rich_help_panel="Start here")
@continues()
def demo(
    rows: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=r"Length of the large list. \[default: examples/notifications.csv as it is]",
        ),
    ] = None,
    engine: EngineName = None,
    as_json: Json = False,
) -> None:
    """Speak two lists of notifications with a real Kafka and a real S3 on this machine.

    They take turns: the small one does not wait for the large one.
    Run it again: nothing is delivered twice.
    """
    from seedcast.cli.progress_line import live

    quiet_logs()
    began = time.monotonic()
    wanted = load_embedded(engine)
    written = _lists(wanted.home, rows, wanted.gpu.engine)
    with _running(wanted) as (stack, settings):
        lists = [replace(each, before=_finished(settings, each.campaign)) for each in written]
        _start_workers(stack, wanted, [name for name in WORKERS if name != FEEDER])
        reports = [_submit(settings, each) for each in lists]
        submitted = time.monotonic()
        _start_workers(stack, wanted, [FEEDER])  # it finds both lists
        with live() as line:
            waited = _wait(settings, lists, line, stack)
        folders = [_export(settings, each.campaign) for each in lists]
        wall = time.monotonic() - began
        summaries = [
            _summary(settings, report, waited[report.campaign_id], submitted, wall)
            for report in reports
        ]
    if as_json:
        for summary in summaries:
            emit(asdict(summary))
    else:
        _show(summaries, reports, folders, lists)
    if any(summary.accepted != summary.finished for summary in summaries):
        raise typer.Exit(Exit.FATAL)


def _lists(home: Path, rows: int | None, engine: str) -> tuple[DemoList, DemoList]:
    """Write the large list and the small one.

    The large one is a copy of the example, since the rejected rows are written beside it.
    Each engine has campaigns of its own, so that each is heard.
    """
    from seedcast.producers.rows.sample_list import ROWS, write_csv

    parts = ["demo"]
    if engine != "espeak":
        parts.append(engine)
    if rows:
        parts.append(str(rows))
    name = "-".join(parts)
    folder = home / "demo"
    large = DemoList(folder / f"{name}.csv", name)
    small = DemoList(folder / f"{name}-small.csv", f"{name}-small")
    folder.mkdir(parents=True, exist_ok=True)
    if rows is None and EXAMPLE.exists():
        shutil.copyfile(EXAMPLE, large.file)
    else:
        write_csv(large.file, rows)
    write_csv(small.file, min(SMALL, -(-(rows or ROWS) // 4)))
    return large, small


@contextmanager
def _running(wanted: "Settings") -> "Iterator[tuple[Stack, Settings]]":
    """Run the stack. At the end, stop what was started and keep what ran before."""
    from seedcast.embedded import Stack

    stack = Stack(wanted.home)
    stack.refuse_other_workers(wanted)
    ran_before = {process.name for process in stack.status() if process.running}
    try:
        with steps("starting Kafka and S3") as step:
            stack.start(step)
        yield stack, connected()
    finally:
        with err.status("stopping what was started"):
            if ran_before:
                stack.stop({process.name for process in stack.status()} - ran_before)
            else:
                stack.stop()


def _start_workers(stack: "Stack", wanted: "Settings", names: Iterable[str]) -> None:
    for name in names:
        options = ["--engine", wanted.gpu.engine] if name == GPU else []
        stack.start_worker(name, [*WORKERS[name], *options], settings=wanted)


def _finished(settings: "Settings", campaign: str) -> int:
    """Return how many requests have their outcome from an earlier run."""
    from seedcast.campaigns.subscription import read_results
    from seedcast.kafka import Admin

    Admin(settings).ensure_topics()  # the first run reads before anything is submitted
    return sum(1 for _ in read_results(settings, campaign=campaign))


def _submit(settings: "Settings", given: DemoList) -> "SubmitReport":
    from seedcast.cli.submit import send
    from seedcast.producers.staging.options import SubmitOptions

    return send(settings, given.file, SubmitOptions(campaign=given.campaign, id_column="id"))


def _wait(
    settings: "Settings", lists: Sequence[DemoList], line: "Line", stack: "Stack"
) -> "dict[str, tuple[Progress, float]]":
    """Wait until every request has its outcome; print once what the engine runs on, and the page.

    Returns the progress by campaign, and by time.monotonic when it was complete.
    Raises EngineFailed if a server or a worker ends before that.
    """
    from seedcast.campaigns.waiting import wait_for_all
    from seedcast.storage.list_ids import ids_reader

    described, has_page, complete_at = False, False, dict[str, float]()

    def watch(progress: "Mapping[str, Progress]") -> None:
        nonlocal described, has_page
        for campaign, each in progress.items():
            line.spoken(each, campaign)
            if each.complete:
                complete_at.setdefault(campaign, time.monotonic())
        _raise_if_ended(stack.status())
        if not described and (description := _engine(stack)):
            described = True
            err.print(description, style="dim", markup=False)
        if not has_page and (url := local_gateway.url(stack)):
            has_page = True
            _print_page(local_gateway.sign_in_address(settings, url))

    campaigns = [each.campaign for each in lists]
    waited = wait_for_all(settings, campaigns, ids_reader(settings.s3), watch)
    now = time.monotonic()
    return {name: (progress, complete_at.get(name, now)) for name, progress in waited.items()}


def _print_page(address: str) -> None:
    err.print("watch it on a page, while it runs (the link signs in once, within a minute):")
    err.print(f"  {address}", markup=False, soft_wrap=True)


def _raise_if_ended(processes: Iterable["Process"]) -> None:
    """Raise EngineFailed if a process that the demo needs has ended.

    Others do not matter: an `up` before a reboot may have recorded a second worker.
    """
    from seedcast.embedded.readiness import failed
    from seedcast.embedded.stack import BROKER, S3

    needed = (process for process in processes if process.name in (BROKER, S3, *WORKERS))
    if ended := [process for process in needed if not process.running]:
        raise failed(ended)


def _engine(stack: "Stack") -> str:
    """Return the engine's description from the GPU consumer's log; "" before it is ready."""
    process = next(process for process in stack.status() if process.name == GPU)
    # The log may hold earlier runs of the same worker.
    started = datetime.fromtimestamp(process.created, UTC).isoformat()
    for line in process.log.read_text(errors="replace").splitlines():
        if '"event": "ready"' in line and (event := json.loads(line))["timestamp"] >= started:
            return str(event.get("description", ""))
    return ""


def _export(settings: "Settings", campaign: str) -> Path:
    """Write the campaign's audio to files in SEEDCAST_HOME; return their folder."""
    from seedcast.storage.export.audio import fetch_audio
    from seedcast.storage.export.names import DEFAULT, NameTemplate
    from seedcast.storage.export.plan import Plan
    from seedcast.storage.index.temporary import temporary_index
    from seedcast.storage.s3 import S3Store

    folder = settings.home / "audio" / campaign
    with closing(Plan()) as plan:
        # The index may be a moment behind what was waited for.
        with temporary_index(settings, campaign) as index:
            plan.add(index.rows(campaign), NameTemplate(DEFAULT))
        fetch_audio(S3Store(settings.s3), plan, folder, settings.s3.concurrency)
    return folder


def _summary(
    settings: "Settings",
    report: "SubmitReport",
    waited: "tuple[Progress, float]",
    submitted: float,
    wall: float,
) -> Summary:
    from seedcast.storage.s3 import S3Store

    progress, complete_at = waited
    objects = sum(1 for _ in S3Store(settings.s3).list(f"{report.campaign_id}/"))
    return Summary(
        campaign_id=report.campaign_id,
        accepted=report.accepted,
        rejected=report.rejected,
        succeeded=progress.succeeded,
        failed=progress.failed,
        expired=progress.expired,
        cancelled=progress.cancelled,
        audio_seconds=round(progress.audio_seconds, 2),
        done_seconds=round(complete_at - submitted, 2),
        wall_seconds=round(wall, 2),
        objects=objects,
    )


def _show(
    summaries: Sequence[Summary],
    reports: Sequence["SubmitReport"],
    folders: Sequence[Path],
    lists: Sequence[DemoList],
) -> None:
    for summary, report, given in zip(summaries, reports, lists, strict=True):
        _show_counts(summary, report, given.before)
    out.print("")
    if not any(given.before for given in lists):
        out.print(_turns(*summaries), markup=False)
    out.print(f"{summaries[0].wall_seconds:.1f} s on the clock, start and stop included")
    for report in reports:
        if report.rejected:
            _show_rejections(report)
    files = sorted(folders[0].iterdir())
    out.print(f"\n{len(files)} files to play in {folders[0]}, such as", markup=False)
    for file in files[:: max(1, len(files) // 3)][:3]:
        out.print(f"  {file}", markup=False)
    out.print("\nsee it on a page:        seedcast up && seedcast open")
    out.print('hear one without Kafka:  seedcast say "Good evening." -o hello.wav')


def _show_counts(s: Summary, report: "SubmitReport", before: int) -> None:
    out.print(
        f"\n[bold]{s.campaign_id}[/]  {report.rows} rows = {s.accepted} accepted"
        f" + {report.duplicates} duplicates + {s.rejected} rejected"
    )
    out.print(
        f"      {s.accepted} accepted = {s.succeeded} succeeded + {s.failed} failed"
        f" + {s.expired} expired + {s.cancelled} cancelled"
    )
    out.print(
        f"      {s.audio_seconds:,.0f} s of audio, {s.objects} objects: {_delivered(s, before)}"
    )


def _delivered(s: Summary, before: int) -> str:
    """Return what this run has delivered. `before`: requests that an earlier run had delivered."""
    if not before:
        return f"done after {s.done_seconds:.0f} s"
    if before == s.finished:
        return "nothing was delivered again"
    return f"{s.finished - before:,} delivered now, {before:,} by an earlier run"


def _turns(large: Summary, small: Summary) -> str:
    """Return which campaign was done first."""
    ahead = large.done_seconds - small.done_seconds
    when = "before" if ahead > 0 else "after"
    return (
        f"campaigns take turns: {small.campaign_id} ({small.accepted}) was submitted last, and was"
        f" done {abs(ahead):.0f} s {when} {large.campaign_id} ({large.accepted})"
    )


def _show_rejections(report: "SubmitReport") -> None:
    title = f"\nrejected rows, all of them in {report.rejected_file}"
    out.print(title, markup=False)
    for r in report.rejections:
        line = f"  row {r.row:>3}  {r.field or '–':<10} expected {r.expected}, got {r.got}"
        out.print(line, markup=False)
