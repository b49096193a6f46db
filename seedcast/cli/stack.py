"""`up`, `down`, `status`: the embedded stack in the background."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli import fleet, local_gateway
from seedcast.cli.base import (
    EngineName,
    Json,
    app,
    connected,
    continues,
    emit,
    err,
    load,
    load_embedded,
    out,
    quiet_logs,
    steps,
)
from seedcast.cli.exit_codes import Exit
from seedcast.cli.tables import show
from seedcast.errors import SeedcastError

if TYPE_CHECKING:
    from seedcast.embedded import Stack
    from seedcast.kafka import Admin
    from seedcast.settings import Settings

Row = dict[str, object]
EXISTS = "exists"  # the state of a bucket
# Columns of least worth, by table: what the others do not need to be understood.
STACKED_FIRST = {"processes": ("log", "port"), "lag": ("committed", "end")}


@app.command(rich_help_panel="Embedded stack")
@continues("what was started runs on")
def up(
    feeders: Annotated[int, typer.Option(min=0, help="Feeders to start; one is active.")] = 1,
    gpu_consumers: Annotated[int, typer.Option(min=0, help="GPU consumers to start.")] = 1,
    postprocess: Annotated[int, typer.Option(min=0, help="Post-process workers to start.")] = 1,
    indexers: Annotated[int, typer.Option(min=0, help="Indexers to start; one is active.")] = 1,
    gateways: Annotated[int, typer.Option(min=0, help="HTTP gateways to start.")] = 1,
    engine: EngineName = None,
    as_json: Json = False,
) -> None:
    """Start Kafka, S3 and workers in the background; return when all are ready.

    What already runs is kept. Refuses to start beside a worker with other settings.
    """
    from seedcast.embedded import Stack
    from seedcast.embedded.readiness import wait_until_ready

    settings = load_embedded(engine)
    stack = Stack(settings.home)
    gpu_command = ["run", "gpu-consumer", "--engine", settings.gpu.engine]
    workers = {f"feeder-{number + 1}": ["run", "feeder"] for number in range(feeders)}
    workers |= {f"gpu-consumer-{number + 1}": gpu_command for number in range(gpu_consumers)}
    workers |= {
        f"postprocess-{number + 1}": ["run", "postprocess"] for number in range(postprocess)
    }
    workers |= {f"indexer-{number + 1}": ["run", "indexer"] for number in range(indexers)}
    workers |= {f"gateway-{number + 1}": ["run", "gateway"] for number in range(gateways)}
    stack.refuse_other_workers(settings)
    with steps("starting") as step:
        stack.start(step)
        for name, command in workers.items():
            stack.start_worker(name, command, settings=settings)
        wait_until_ready(stack, workers, step)
    reached = _reached(stack, settings)
    if as_json:
        emit({"home": str(stack.home), **reached, "processes": _processes(settings.home)})
        return
    out.print(
        "[green]up[/]  `seedcast status` shows it,"
        " `seedcast submit FILE --campaign NAME` gives it work,"
        " `seedcast down` stops it"
    )
    if url := reached["gateway"]:
        out.print(f"    HTTP at {url}, with the key in {stack.home / local_gateway.KEY}")
        out.print("    the page is there, too: `seedcast open` opens it, signed in")


def _reached(stack: "Stack", settings: "Settings") -> Row:
    """Return the addresses of the servers, and a key for the gateway if there is one."""
    from seedcast import embedded

    known = embedded.connected(settings)
    url = local_gateway.url(stack)
    return {
        "kafka": known.kafka.bootstrap,
        "s3": known.s3.endpoint,
        "gateway": url,
        "key": local_gateway.key(known) if url else None,
    }


@app.command(rich_help_panel="Embedded stack")
def down(as_json: Json = False) -> None:
    """Stop everything that `up` started. The data stays."""
    from seedcast.embedded import Stack

    stack = Stack(load().home)
    stopped = [process.name for process in stack.status() if process.running]
    with err.status("stopping: workers finish what they have begun"):
        stack.stop()
    if as_json:
        emit({"home": str(stack.home), "stopped": stopped})
        return
    out.print(f"[green]down[/]  the data stays in {stack.home}")
    _print_elsewhere(stack.home)


@app.command(rich_help_panel="Embedded stack")
def status(as_json: Json = False) -> None:
    """Show processes, workers, topics, the lag of each partition, the bucket and the index.

    Workers are those of the whole deployment that have announced themselves within 15 seconds.

    Changes nothing. Exit code 1 if a process has died, or the bucket is missing or out of reach.
    """
    from seedcast.embedded.stack import BROKER

    quiet_logs()
    settings = load()
    processes = _processes(settings.home)
    configured = settings.kafka.bootstrap or settings.s3.endpoint
    broker_runs = any(p["running"] for p in processes if p["name"] == BROKER)
    cluster = _cluster() if configured or broker_runs else Cluster()
    buckets = cluster.buckets
    if as_json:
        shown = {
            "topics": cluster.topics,
            "lag": cluster.lag,
            "buckets": buckets,
            "index": cluster.index,
        }
        emit({"processes": processes, **cluster.workers.as_json(), **shown})
    else:
        if not configured and not broker_runs:
            folder = f"the embedded Kafka of {settings.home.absolute()} is not running"
            err.print(f"{folder}; `seedcast up` starts it", markup=False)
            _print_elsewhere(settings.home)
        _print("processes", processes)
        fleet.print_fleet(cluster.workers)
        _print("topics", cluster.topics)
        _print("lag", cluster.lag)
        _print("buckets", buckets)
        _print("index", cluster.index)
    well = all(p["running"] for p in processes) and all(b["state"] == EXISTS for b in buckets)
    raise typer.Exit(Exit.OK if well else Exit.INCOMPLETE)


def _print_elsewhere(home: Path) -> None:
    """Name the stacks of other folders that run: one of them may be the one that is meant."""
    from seedcast.embedded.connection import running_elsewhere

    for other in running_elsewhere(home):
        line = f"another stack runs in {other}; SEEDCAST_HOME={other} selects it"
        err.print(line, markup=False)


def _processes(home: Path) -> list[Row]:
    from seedcast.embedded import Stack

    return [
        {"name": p.name, "running": p.running, "pid": p.pid, "port": p.port, "log": str(p.log)}
        for p in Stack(home).status()
    ]


@dataclass(frozen=True)
class Cluster:
    """What the servers tell that the settings name."""

    workers: fleet.Shown = field(default_factory=fleet.Shown)
    topics: list[Row] = field(default_factory=list)
    lag: list[Row] = field(default_factory=list)
    buckets: list[Row] = field(default_factory=list)
    index: list[Row] = field(default_factory=list)  # one, or none


def _cluster() -> Cluster:
    """Ask the servers that the settings name. Raises AccessDenied, which names what is lacking.

    The brokers may be named without an endpoint: then there is no bucket to show.
    """
    from seedcast.kafka import Admin
    from seedcast.schemas.rights import WATCHER

    settings = connected(store=False)
    admin = Admin(settings)
    admin.cluster_id()
    admin.require(WATCHER)
    buckets = [_bucket(settings)] if settings.s3.endpoint else []
    topics = _topics(admin, settings)
    return Cluster(_fleet(admin, settings), topics, _lags(settings), buckets, _index(settings))


def _index(settings: "Settings") -> list[Row]:
    """Return the state of the results index. One that is away is shown, as a bucket is."""
    from seedcast.storage.index.lookup import behind
    from seedcast.storage.index.reader import open_index

    if not settings.index.url:
        return []
    state, count = "missing", None
    try:
        if index := open_index(settings):
            with index:
                state, count = EXISTS, behind(settings, index)
    except SeedcastError as error:
        state = str(error)
    return [{"index": settings.index.url, "state": state, "behind": count}]


def _fleet(admin: "Admin", settings: "Settings") -> fleet.Shown:
    """A deployment of an older version has no topic of workers: then nobody announces itself."""
    from seedcast.schemas.topics import WORKERS

    there = settings.topic(WORKERS) in admin.existing()
    return fleet.read(settings) if there else fleet.Shown()


def _lags(settings: "Settings") -> list[Row]:
    from seedcast.kafka import GroupOffsets
    from seedcast.schemas.topics import GPU_CONSUMERS, POSTPROCESS

    offsets = GroupOffsets(settings)
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
        for lag in offsets.lag(settings.group(group))
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

    try:
        state = EXISTS if S3Store(settings.s3).has_bucket() else "missing"
    except SeedcastError as error:
        state = str(error)
    return {"bucket": settings.s3.bucket, "endpoint": settings.s3.endpoint, "state": state}


def _print(title: str, rows: list[Row]) -> None:
    if not rows:
        out.print(f"[dim]{title}: none[/]")
        return
    out.print(f"[italic]{title}[/]")
    cells = ([str(value) for value in row.values()] for row in rows)
    show([*rows[0]], cells, stacked_first=STACKED_FIRST.get(title, ()))
