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

from seedcast.cli.base import Exit, Json, app, connected, emit, err, out, quiet_logs
from seedcast.errors import EngineFailed
from seedcast.settings import Settings, load

if TYPE_CHECKING:
    from producers import SubmitReport
    from schemas.messages import SpeechResult
    from seedcast.campaigns.progress import Progress
    from seedcast.embedded import Process, Stack

GPU = "gpu-consumer-1"
WORKERS = {GPU: ["run", "gpu-consumer"], "postprocess-1": ["run", "postprocess"]}
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
def demo(
    rows: Annotated[
        int | None,
        typer.Option(
            min=1, help=r"Length of the list. \[default: examples/notifications.csv as it is]"
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="espeak or chattts; default: SEEDCAST_GPU_ENGINE.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Speak a list of notifications on a real Kafka and a real S3, here. Run again, it delivers nothing twice."""
    from seedcast.cli.progress_line import live
    from seedcast.cli.run import with_engine

    quiet_logs()
    began = time.monotonic()
    wanted = with_engine(load(), engine)
    source, campaign = _list(wanted.home, rows, wanted.gpu.engine)
    with _running(wanted.gpu.engine) as (stack, settings):
        report = _submit(settings, source, campaign)
        with live() as line:
            progress = _wait(settings, campaign, line.spoken, stack)
        listed = _export(settings, campaign)
        summary = _summary(settings, report, progress, time.monotonic() - began)
    if not as_json:
        _show(summary, report, listed)
    else:
        emit(asdict(summary))
    if summary.accepted != summary.succeeded + summary.failed + summary.expired + summary.cancelled:
        raise typer.Exit(Exit.FATAL)


def _list(home: Path, rows: int | None, engine: str) -> tuple[Path, str]:
    """A copy of its own, since the journal and the rejected rows lie beside the list; a campaign for each engine, so that each is heard."""
    from producers.rows.sample_list import write_csv

    campaign = "-".join(
        ["demo", *([] if engine == "espeak" else [engine]), *([str(rows)] if rows else [])]
    )
    copy = home / "demo" / f"{campaign}.csv"
    copy.parent.mkdir(parents=True, exist_ok=True)
    if rows is None and EXAMPLE.exists():
        shutil.copyfile(EXAMPLE, copy)
    else:
        write_csv(copy, rows)
    return copy, campaign


@contextmanager
def _running(engine: str) -> Iterator[tuple["Stack", Settings]]:
    """The stack and its workers; stops what it started, and leaves what ran before."""
    from seedcast.embedded import Stack

    stack = Stack(load().home)
    before = {process.name for process in stack.status() if process.running}
    try:
        with err.status("starting Kafka and S3") as status:
            stack.start(lambda step: status.update(step))
            for name, arguments in WORKERS.items():
                stack.start_worker(
                    name, [*arguments, *(["--engine", engine] if name == GPU else [])]
                )
        yield stack, connected()
    finally:
        with err.status("stopping what was started"):
            if before:
                stack.stop({process.name for process in stack.status()} - before)
            else:
                stack.stop()


def _submit(settings: Settings, source: Path, campaign: str) -> "SubmitReport":
    from producers import SubmitOptions
    from seedcast.cli.submit import send

    return send(settings, source, SubmitOptions(campaign=campaign, id_column="id"))


def _wait(
    settings: Settings, campaign: str, show: Callable[["Progress"], None], stack: "Stack"
) -> "Progress":
    """Until every request has its outcome; says what the engine runs on. Raises EngineFailed where a server or a worker dies meanwhile."""
    from seedcast.campaigns.progress import wait

    said: list[str] = []

    def watch(progress: "Progress") -> None:
        show(progress)
        _refuse_dead(stack.status())
        if not said and (line := _engine(stack)):
            said.append(line)
            err.print(line, style="dim", markup=False, soft_wrap=True)

    return wait(settings, campaign, watch)


def _refuse_dead(processes: Iterable["Process"]) -> None:
    """Of those that the demo needs: a second worker, recorded by an `up` before a reboot, is nobody's loss."""
    from seedcast.embedded.stack import BROKER, S3

    for process in processes:
        if process.name in (BROKER, S3, *WORKERS) and not process.running:
            got = "\n".join(line[:300] for line in process.last_lines(3).splitlines())
            raise EngineFailed(f"{process.name} ended", got=got, remedy=f"see {process.log}")


def _engine(stack: "Stack") -> str:
    """What the GPU consumer says of itself once it is ready; "" before. Its log may hold earlier lives."""
    process = next(process for process in stack.status() if process.name == GPU)
    born = datetime.fromtimestamp(process.created, UTC).isoformat()
    for line in process.log.read_text(errors="replace").splitlines():
        if '"event": "ready"' in line and (ready := json.loads(line))["timestamp"] >= born:
            return str(ready.get("description", ""))
    return ""


def _export(settings: Settings, campaign: str) -> Path:
    """The store's keys are hashes; a person gets names: row id, voice profile. What is there already is kept."""
    from seedcast.campaigns.subscription import read_results
    from storage.s3 import S3Store

    folder = settings.home / "audio" / campaign
    folder.mkdir(parents=True, exist_ok=True)
    store = S3Store(settings.s3)
    for result in read_results(settings, campaign=campaign):
        for name, uri in _names(result):
            if not (folder / name).exists():
                part = folder / f"{name}.part"
                part.write_bytes(store.get(uri))
                part.rename(folder / name)
    return folder


def _names(result: "SpeechResult") -> Iterator[tuple[str, str]]:
    label = "".join(
        c if c.isalnum() or c in "-_" else "_" for c in result.metadata.get("id", result.request_id)
    )
    for rendition in result.renditions:
        yield f"{label}.{rendition.profile}.{rendition.uri.rsplit('.', 1)[-1]}", rendition.uri


def _summary(
    settings: Settings, report: "SubmitReport", progress: "Progress", seconds: float
) -> Summary:
    from storage.s3 import S3Store

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


def _show(summary: Summary, report: "SubmitReport", folder: Path) -> None:
    s = summary
    out.print(
        f"\n[bold]{s.campaign_id}[/]  {report.rows} rows = {s.accepted} accepted + {report.duplicates} duplicates + {s.rejected} rejected"
    )
    out.print(
        f"      {s.accepted} accepted = {s.succeeded} succeeded + {s.failed} failed + {s.expired} expired + {s.cancelled} cancelled"
    )
    pace = (
        "nothing was delivered again"
        if not report.new
        else f"{s.audio_seconds / s.wall_seconds:,.0f} × real time, start and stop included"
    )
    out.print(
        f"      {s.audio_seconds:,.0f} s of audio, {s.objects} objects, {s.wall_seconds:.1f} s on the clock: {pace}"
    )
    if report.rejected:
        out.print(
            f"\nrejected rows, all of them in {report.rejected_file}", markup=False, soft_wrap=True
        )
        for r in report.rejections:
            out.print(
                f"  row {r.row:>3}  {r.field or '–':<10} expected {r.expected}, got {r.got}",
                markup=False,
                soft_wrap=True,
            )
    files = sorted(folder.iterdir())
    out.print(f"\n{len(files)} files to play in {folder}, such as", markup=False)
    for file in files[:: max(1, len(files) // 3)][:3]:
        out.print(f"  {file}", markup=False, soft_wrap=True)
    out.print('\nhear one without Kafka:  seedcast say "Good evening." -o hello.wav')
