"""`up`, `down`, `status`: the embedded stack in the background."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from seedcast.cli.base import Exit, Json, app, connected, emit, err, out, quiet_logs
from seedcast.settings import load


@app.command(rich_help_panel="Embedded stack")
def up(
    gpu_consumers: Annotated[int, typer.Option(min=0, help="GPU consumers to start.")] = 1,
    postprocess: Annotated[int, typer.Option(min=0, help="Post-process workers to start.")] = 1,
    engine: Annotated[
        str | None, typer.Option(help="espeak or chattts; default: SEEDCAST_GPU_ENGINE.")
    ] = None,
) -> None:
    """Start Kafka, S3 and workers in the background. What runs already is kept."""
    start(gpu_consumers, postprocess, engine)
    out.print(
        "[green]up[/]  `seedcast status` shows it, `seedcast submit FILE --campaign NAME` gives it work, `seedcast down` stops it"
    )


def start(gpu_consumers: int, postprocess: int, engine: str | None = None) -> None:
    from seedcast.cli.run import with_engine
    from seedcast.embedded import Stack

    settings = with_engine(load(), engine)
    stack = Stack(settings.home)
    with err.status("starting") as status:
        stack.start(lambda step: status.update(step))
        for number in range(gpu_consumers):
            stack.start_worker(
                f"gpu-consumer-{number + 1}",
                ["run", "gpu-consumer", "--engine", settings.gpu.engine],
            )
        for number in range(postprocess):
            stack.start_worker(f"postprocess-{number + 1}", ["run", "postprocess"])


@app.command(rich_help_panel="Embedded stack")
def down() -> None:
    """Stop everything that `up` started. The data stays."""
    from seedcast.embedded import Stack

    stack = Stack(load().home)
    with err.status("stopping: workers finish what they have begun"):
        stack.stop()
    out.print(f"[green]down[/]  the data stays in {stack.home}")


@app.command(rich_help_panel="Embedded stack")
def status(as_json: Json = False) -> None:
    """What runs; the topics; the lag of each group and partition; the buckets. Exit code 1 where a process has died."""
    quiet_logs()
    settings = load()
    processes = _processes(settings.home)
    reachable = settings.kafka.bootstrap or any(process["running"] for process in processes)
    lags, topics, buckets = _cluster() if reachable else ([], [], [])
    if not reachable and not as_json:
        err.print("the embedded stack is not running; `seedcast up` starts it")
    if as_json:
        emit({"processes": processes, "topics": topics, "lag": lags, "buckets": buckets})
    else:
        for title, rows in (
            ("processes", processes),
            ("topics", topics),
            ("lag", lags),
            ("buckets", buckets),
        ):
            _print(title, rows)
    raise typer.Exit(Exit.OK if all(p["running"] for p in processes) else Exit.INCOMPLETE)


Row = dict[str, object]


def _processes(home: Path) -> list[Row]:
    from seedcast.embedded import Stack

    return [
        {"name": p.name, "running": p.running, "pid": p.pid, "port": p.port, "log": str(p.log)}
        for p in Stack(home).status()
    ]


def _cluster() -> tuple[list[Row], list[Row], list[Row]]:
    from gpu_consumers.assignments import GROUP as GPU_GROUP
    from schemas.topics import TOPICS
    from seedcast.kafka import Admin
    from storage.s3 import S3Store
    from stream_apps.postprocess.faust_app import GROUP as POSTPROCESS_GROUP

    settings = connected()
    admin = Admin(settings)
    admin.cluster_id()
    existing = admin.existing()
    lags: list[Row] = [
        {
            "group": lag.group,
            "topic": lag.topic,
            "partition": lag.partition,
            "committed": lag.committed,
            "end": lag.end,
            "lag": lag.records,
        }
        for group in (GPU_GROUP, POSTPROCESS_GROUP)
        for lag in admin.lag(settings.group(group))
    ]
    topics: list[Row] = [
        {
            "topic": settings.topic(topic),
            "partitions": existing.get(settings.topic(topic), "missing"),
            "carries": topic.what,
        }
        for topic in TOPICS
    ]
    store = S3Store(settings.s3)
    store.ensure_bucket()
    sizes = [found.size for found in store.list("")]
    return (
        lags,
        topics,
        [{"bucket": settings.s3.bucket, "objects": len(sizes), "bytes": sum(sizes)}],
    )


def _print(title: str, rows: list[Row]) -> None:
    if not rows:
        out.print(f"[dim]{title}: none[/]")
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    out.print(table)
