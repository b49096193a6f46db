"""`demo`: the main job on the embedded stack, from a list to files that a person can play."""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    from seedcast.embedded import Process, Stack
    from seedcast.producers.staging.options import SubmitReport
    from seedcast.settings import Settings

GPU = "gpu-consumer-1"
WORKERS = {
    "feeder-1": ["run", "feeder"],
    GPU: ["run", "gpu-consumer"],
    "postprocess-1": ["run", "postprocess"],
}
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "notifications.csv"


@dataclass(frozen=True)
class Summary:
    """What `--json` prints."""

    campaign_id: str
    accepted: int
    rejected: int
    succeeded: int
    failed: int
    expired: int
    cancelled: int
    audio_seconds: float
    wall_seconds: float
    objects: int


@app.command(rich_help_panel="Start here")
@continues()
def demo(
    rows: Annotated[
        int | None,
        typer.Option(
            min=1, help=r"Length of the list. \[default: examples/notifications.csv as it is]"
        ),
    ] = None,
    engine: EngineName = None,
    as_json: Json = False,
) -> None:
    """Speak a list of notifications with a real Kafka and a real S3 on this machine.

    Run it again: nothing is delivered twice.
    """
    from seedcast.cli.progress_line import live

    quiet_logs()
    began = time.monotonic()
    wanted = load_embedded(engine)
    source, campaign = _list(wanted.home, rows, wanted.gpu.engine)
    with _running(wanted) as (stack, settings):
        before = _finished(settings, campaign)
        _start_workers(stack, wanted)
        report = _submit(settings, source, campaign)
        with live() as line:
            progress = _wait(settings, campaign, line.spoken, stack)
        folder = _export(settings, campaign)
        summary = _summary(settings, report, progress, time.monotonic() - began)
    if as_json:
        emit(asdict(summary))
    else:
        _show(summary, report, folder, before)
    if summary.accepted != progress.finished:
        raise typer.Exit(Exit.FATAL)


def _list(home: Path, rows: int | None, engine: str) -> tuple[Path, str]:
    """Write the list; return its path and the campaign's name.

    The list is a copy, since the rejected rows are written beside it.
    Each engine has its own campaign, so that each is heard.
    """
    from seedcast.producers.rows.sample_list import write_csv

    parts = ["demo"]
    if engine != "espeak":
        parts.append(engine)
    if rows:
        parts.append(str(rows))
    campaign = "-".join(parts)
    path = home / "demo" / f"{campaign}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    if rows is None and EXAMPLE.exists():
        shutil.copyfile(EXAMPLE, path)
    else:
        write_csv(path, rows)
    return path, campaign


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


def _start_workers(stack: "Stack", wanted: "Settings") -> None:
    for name, arguments in WORKERS.items():
        options = ["--engine", wanted.gpu.engine] if name == GPU else []
        stack.start_worker(name, [*arguments, *options], settings=wanted)


def _finished(settings: "Settings", campaign: str) -> int:
    """Return how many requests have their outcome from an earlier run."""
    from seedcast.campaigns.subscription import read_results
    from seedcast.kafka import Admin

    Admin(settings).ensure_topics()  # the first run reads before anything is submitted
    return sum(1 for _ in read_results(settings, campaign=campaign))


def _submit(settings: "Settings", source: Path, campaign: str) -> "SubmitReport":
    from seedcast.cli.submit import send
    from seedcast.producers.staging.options import SubmitOptions

    return send(settings, source, SubmitOptions(campaign=campaign, id_column="id"))


def _wait(
    settings: "Settings", campaign: str, show: Callable[["Progress"], None], stack: "Stack"
) -> "Progress":
    """Wait until every request has its outcome; print once what the engine runs on.

    Raises EngineFailed if a server or a worker ends before that.
    """
    from seedcast.campaigns.progress import wait
    from seedcast.storage.list_ids import ids_reader

    described = False

    def watch(progress: "Progress") -> None:
        nonlocal described
        show(progress)
        _raise_if_ended(stack.status())
        if not described and (line := _engine(stack)):
            described = True
            err.print(line, style="dim", markup=False)

    return wait(settings, campaign, ids_reader(settings.s3), watch)


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
    from seedcast.campaigns.subscription import read_results
    from seedcast.storage.export import export_audio
    from seedcast.storage.s3 import S3Store

    folder = settings.home / "audio" / campaign
    export_audio(S3Store(settings.s3), read_results(settings, campaign=campaign), folder)
    return folder


def _summary(
    settings: "Settings", report: "SubmitReport", progress: "Progress", seconds: float
) -> Summary:
    from seedcast.storage.s3 import S3Store

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
        wall_seconds=round(seconds, 2),
        objects=objects,
    )


def _show(summary: Summary, report: "SubmitReport", folder: Path, before: int) -> None:
    _show_counts(summary, report, before)
    if report.rejected:
        _show_rejections(report)
    files = sorted(folder.iterdir())
    out.print(f"\n{len(files)} files to play in {folder}, such as", markup=False)
    for file in files[:: max(1, len(files) // 3)][:3]:
        out.print(f"  {file}", markup=False)
    out.print('\nhear one without Kafka:  seedcast say "Good evening." -o hello.wav')


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
        f"      {s.audio_seconds:,.0f} s of audio, {s.objects} objects,"
        f" {s.wall_seconds:.1f} s on the clock: {_delivered(s, before)}"
    )


def _delivered(s: Summary, before: int) -> str:
    """Return what this run has delivered. `before`: requests that an earlier run had delivered."""
    now = s.succeeded + s.failed + s.expired + s.cancelled - before
    if not before:
        return f"{s.audio_seconds / s.wall_seconds:,.0f} × real time, start and stop included"
    if not now:
        return "nothing was delivered again"
    return f"{now:,} delivered now, {before:,} by an earlier run"


def _show_rejections(report: "SubmitReport") -> None:
    title = f"\nrejected rows, all of them in {report.rejected_file}"
    out.print(title, markup=False)
    for r in report.rejections:
        line = f"  row {r.row:>3}  {r.field or '–':<10} expected {r.expected}, got {r.got}"
        out.print(line, markup=False)
