"""`up`, `down`, `status`: the embedded stack in the background."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from seedcast.cli.base import (
    EngineName,
    Exit,
    Json,
    app,
    connected,
    emit,
    err,
    load,
    load_embedded,
    out,
    quiet_logs,
)

if TYPE_CHECKING:
    from seedcast.kafka import Admin
    from seedcast.settings import Settings

Row = dict[str, object]


@app.command(rich_help_panel="Embedded stack")
def up(
    gpu_consumers: Annotated[int, typer.Option(min=0, help="GPU consumers to start.")] = 1,
    postprocess: Annotated[int, typer.Option(min=0, help="Post-process workers to start.")] = 1,
    engine: EngineName = None,
) -> None:
    """Start Kafka, S3 and workers in the background. What already runs is kept."""
    from seedcast.embedded import Stack

    settings = load_embedded(engine)
    stack = Stack(settings.home)
    with err.status("starting") as status:
        stack.start(lambda step: status.update(step))
        for number in range(gpu_consumers):
            command = ["run", "gpu-consumer", "--engine", settings.gpu.engine]
            stack.start_worker(f"gpu-consumer-{number + 1}", command)
        for number in range(postprocess):
            stack.start_worker(f"postprocess-{number + 1}", ["run", "postprocess"])
    out.print(
        "[green]up[/]  `seedcast status` shows it,"
        " `seedcast submit FILE --campaign NAME` gives it work,"
        " `seedcast down` stops it"
    )


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
    """Show processes, topics, the lag of each group and partition, and buckets.

    Exit code 1 if a process has died.
    """
    quiet_logs()
    settings = load()
    processes = _processes(settings.home)
    reachable = settings.kafka.bootstrap or any(process["running"] for process in processes)
    lags, topics, buckets = _cluster() if reachable else ([], [], [])
    if as_json:
        emit({"processes": processes, "topics": topics, "lag": lags, "buckets": buckets})
    else:
        if not reachable:
            err.print("the embedded stack is not running; `seedcast up` starts it")
        _print("processes", processes)
        _print("topics", topics)
        _print("lag", lags)
        _print("buckets", buckets)
    raise typer.Exit(Exit.OK if all(p["running"] for p in processes) else Exit.INCOMPLETE)


def _processes(home: Path) -> list[Row]:
    from seedcast.embedded import Stack

    return [
        {"name": p.name, "running": p.running, "pid": p.pid, "port": p.port, "log": str(p.log)}
        for p in Stack(home).status()
    ]


def _cluster() -> tuple[list[Row], list[Row], list[Row]]:
    """Return the lags, topics and buckets of the servers that the settings name."""
    from seedcast.kafka import Admin

    settings = connected()
    admin = Admin(settings)
    admin.cluster_id()
    return _lags(admin, settings), _topics(admin, settings), [_bucket(settings)]


def _lags(admin: "Admin", settings: "Settings") -> list[Row]:
    from seedcast.schemas.topics import GPU_CONSUMERS, POSTPROCESS

    return [
        {
            "group": lag.group,
            "topic": lag.topic,
            "partition": lag.partition,
            "committed": lag.committed,
            "end": lag.end,
            "lag": lag.records,
        }
        for group in (GPU_CONSUMERS.name, POSTPROCESS.name)
        for lag in admin.lag(settings.group(group))
    ]


def _topics(admin: "Admin", settings: "Settings") -> list[Row]:
    from seedcast.schemas.topics import TOPICS

    existing = admin.existing()
    return [
        {
            "topic": settings.topic(topic),
            "partitions": existing.get(settings.topic(topic), "missing"),
            "carries": topic.what,
        }
        for topic in TOPICS
    ]


def _bucket(settings: "Settings") -> Row:
    from seedcast.storage.s3 import S3Store

    store = S3Store(settings.s3)
    store.ensure_bucket()
    sizes = [info.size for info in store.list("")]
    return {"bucket": settings.s3.bucket, "objects": len(sizes), "bytes": sum(sizes)}


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
