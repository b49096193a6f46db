"""Viewers of the page: `python -m benchmarks.viewers [--requests 100000] [--viewers 100]`.

A gateway's process on the embedded stack, over an index of ten campaigns (SQLite). First the time
of the first view, Night's and a campaign's, when nothing of it is remembered. Then so many viewers
of one campaign at once, of which a second more is spoken every second: each has a stream of events,
and asks for the view again as often as static/live.js does. What is measured is the CPU
of the gateway's process. Figures go to benchmarks/results/viewers.json.
"""

import argparse
import asyncio
import json
import random
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx
import psutil
from sqlalchemy import update

from benchmarks.index import TOPIC, campaign, filled
from benchmarks.index_fill import fill
from benchmarks.local_stack import machine, running_stack, start_worker
from seedcast.cli import local_gateway
from seedcast.embedded.readiness import wait_until_ready
from seedcast.producers.gateway.page.campaign import EVERY
from seedcast.producers.gateway.page.shared import MOMENT
from seedcast.settings import IndexSettings
from seedcast.storage.index.changes import mark
from seedcast.storage.index.database import Database, open_database
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.tables import CAMPAIGNS
from seedcast.storage.index.writer import IndexWriter

OUT = Path(__file__).parent / "results" / "viewers.json"
NAMES = [f"night-{number:02}" for number in range(10)]
WATCHED = NAMES[0]
SETTLING = 15.0  # seconds, in which all viewers have come and the campaign was told
FIRST_VIEWS = 10
LIMITS = {
    "SEEDCAST_GATEWAY_RATE": "100000",
    "SEEDCAST_GATEWAY_CONCURRENCY": "100000",
    "SEEDCAST_GATEWAY_CONNECTIONS": "10000",
}


@dataclass(frozen=True)
class Run:
    requests: int
    viewers: int
    seconds: float
    night_ms: tuple[float, float, float]  # the first view at all, the median, the worst
    campaign_ms: tuple[float, float, float]
    cores: float  # of the gateway's process: CPU seconds per second
    idle_cores: float  # without viewers
    events: int  # that all viewers had
    views: int
    resident_mib: float


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    run = _measure(options)
    report = {
        "command": shlex.join(["python", "-m", "benchmarks.viewers", *(argv or sys.argv[1:])]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        **asdict(run),
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


def _measure(options: argparse.Namespace) -> Run:
    with running_stack() as (stack, settings):
        _fill(settings.index, options.requests // len(NAMES))
        gateway = start_worker(stack, "gateway", local_gateway.NAME, LIMITS)
        wait_until_ready(stack, [local_gateway.NAME])
        address = local_gateway.url(stack) or ""
        cookie = _sign_in(address, local_gateway.key(settings))
        night, shown = (_first_views(address, cookie, path) for path in ("/", _path()))
        process = psutil.Process(gateway.pid)
        idle = _cores(process, 5.0)
        with open_database(settings.index, read_only=False) as database:
            viewers = Viewers(address, cookie, options.viewers, database)
            cores = asyncio.run(viewers.watch(process, options.seconds))
        return Run(
            requests=options.requests,
            viewers=options.viewers,
            seconds=options.seconds,
            night_ms=night,
            campaign_ms=shown,
            cores=round(cores, 3),
            idle_cores=round(idle, 3),
            events=viewers.events,
            views=viewers.views,
            resident_mib=round(process.memory_info().rss / 2**20, 1),
        )


def _fill(settings: IndexSettings, rows: int) -> None:
    """Fill an index with campaigns that have all their results, but for the one that is watched."""
    migrate(settings)
    accepted = {name: rows if name != WATCHED else 2 * rows for name in NAMES}
    with open_database(settings, read_only=False) as opened:
        writer = IndexWriter.begin_term(opened, "benchmark", TOPIC)
        writer.put_campaigns(campaign(name, count) for name, count in accepted.items())
    fill(settings, ((name, filled(name, rows)) for name in NAMES))


def _path() -> str:
    return f"/campaigns/{WATCHED}"


def _sign_in(address: str, secret: str) -> str:
    """Return the cookie of a session."""
    answer = httpx.post(f"{address}/login", data={"secret": secret}, headers={"origin": address})
    return "; ".join(f"{name}={value}" for name, value in answer.cookies.items())


def _first_views(address: str, cookie: str, path: str) -> tuple[float, float, float]:
    """Return milliseconds at the client, each time after what was made for others is forgotten."""
    times = list[float]()
    with httpx.Client(base_url=address, headers={"cookie": cookie}) as client:
        client.get("/static/0/none")  # connected, so that it is not measured
        for _ in range(FIRST_VIEWS):
            began = time.perf_counter()
            client.get(path).raise_for_status()
            times.append(1000 * (time.perf_counter() - began))
            time.sleep(MOMENT + 0.1)
    return round(times[0], 1), round(median(times[1:]), 1), round(max(times[1:]), 1)


def _cores(process: psutil.Process, seconds: float) -> float:
    before = sum(process.cpu_times()[:2])
    time.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / seconds


class Viewers:
    """As light a client as can be: bytes are counted, and not read."""

    def __init__(self, address: str, cookie: str, number: int, database: Database) -> None:
        self._place = urlsplit(address)
        self._cookie, self._number, self._database = cookie, number, database
        self.events = self.views = 0

    async def watch(self, process: psutil.Process, seconds: float) -> float:
        """Return the CPU of the process, in cores, once all viewers have come."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._speak())]
            for _ in range(self._number):
                tasks += [group.create_task(self._hear()), group.create_task(self._ask())]
                await asyncio.sleep(0.005)
            await asyncio.sleep(SETTLING)
            self.events = self.views = 0
            before, began = sum(process.cpu_times()[:2]), time.monotonic()
            await asyncio.sleep(seconds)
            used = sum(process.cpu_times()[:2]) - before
            cores = used / (time.monotonic() - began)
            for task in tasks:
                task.cancel()
        return cores

    async def _speak(self) -> None:
        while True:
            await asyncio.to_thread(self._speak_one)
            await asyncio.sleep(1.0)

    def _speak_one(self) -> None:
        is_it = CAMPAIGNS.c.campaign_id == WATCHED
        more = update(CAMPAIGNS).where(is_it).values(succeeded=CAMPAIGNS.c.succeeded + 1)
        with self._database.transaction("speaking one more") as connection:
            connection.execute(more)
            mark(connection, [WATCHED])

    async def _hear(self) -> None:
        reader, _ = await self._begun(f"/v1/campaigns/{WATCHED}/events")
        while chunk := await reader.read(65_536):
            self.events += chunk.count(b"event: campaign")

    async def _ask(self) -> None:
        await asyncio.sleep(EVERY * random.random())
        reader, writer = await self._begun(f"{_path()}/live")
        while True:
            every = await _read_answer(reader)
            self.views += 1
            await asyncio.sleep(every * (0.9 + 0.2 * random.random()))
            writer.write(self._question(f"{_path()}/live"))

    async def _begun(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._place.hostname, self._place.port
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(self._question(path))
        return reader, writer

    def _question(self, path: str) -> bytes:
        lines = (f"GET {path} HTTP/1.1", f"host: {self._place.netloc}", f"cookie: {self._cookie}")
        return "\r\n".join((*lines, "\r\n")).encode()


async def _read_answer(reader: asyncio.StreamReader) -> float:
    """Return after how many seconds it is to be asked for again."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise ValueError(f"expected 200, got {head[:100]!r}")
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    body = await reader.readexactly(int(length))
    return float(body.partition(b'data-every="')[2].partition(b'"')[0])


if __name__ == "__main__":
    sys.exit(main())
