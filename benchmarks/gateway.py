"""The HTTP gateway at its client: `python -m benchmarks.gateway [--rate 20] [--seconds 600]`.

On the embedded stack with one gateway, one GPU consumer and one post-process worker, all on this
machine beside the client. Requests begin at a fixed rate, whether earlier ones have ended or not
(an open loop), over at most as many connections as are asked for. What is measured: the latency at
the client, what of it is not the pipeline's by the gateway's own header, and the CPU and memory of
the gateway. With `--rows` a list is under way meanwhile. Exits 1 if an answer was 5xx.
Figures go to benchmarks/results/gateway.json.
"""

import argparse
import asyncio
import json
import re
import shlex
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import psutil

from benchmarks.local_stack import machine, running_stack, start_worker, write_list
from seedcast.cli import local_gateway
from seedcast.embedded import Process, Stack
from seedcast.embedded.readiness import wait_until_ready
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.settings import Settings

OUT = Path(__file__).parent / "results" / "gateway.json"
TEXT = "Your gate has changed. Please go to gate forty-two."
KINDS = ("feeder", "gpu-consumer", "postprocess", "indexer")
WARM_UP = 20  # requests


@dataclass(frozen=True)
class Answer:
    status: int
    seconds: float  # at the client
    own_ms: float | None  # the gateway's: all but waiting for the speech and reading the audio


@dataclass(frozen=True)
class Run:
    engine: str
    rate: float  # requests that begin per second
    seconds: float
    connections: int
    rows: int  # of the list that is under way
    statuses: dict[int, int]
    mean: float  # seconds at the client, and so below
    p50: float
    p99: float
    own_p50_ms: float
    own_p99_ms: float
    cpu_ms: float  # of the gateway per request
    resident_mib: float  # of the gateway, at the end


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    run = _measure(options)
    report = {
        "command": shlex.join(["python", "-m", "benchmarks.gateway", *(argv or sys.argv[1:])]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        **asdict(run),
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    return int(any(status >= 500 for status in run.statuses))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", default="echo")
    parser.add_argument("--rate", type=float, default=20.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--rows", type=int, default=0, help="of a list that is spoken meanwhile")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


def _measure(options: argparse.Namespace) -> Run:
    limits = {"SEEDCAST_GATEWAY_RATE": "100000", "SEEDCAST_GATEWAY_CONCURRENCY": "100000"}
    with running_stack() as (stack, settings):
        for kind in KINDS:
            start_worker(stack, kind, env={"SEEDCAST_GPU_ENGINE": options.engine})
        gateway = start_worker(stack, "gateway", local_gateway.NAME, limits)
        wait_until_ready(stack, [*KINDS, local_gateway.NAME])
        if options.rows:
            _submit(stack, settings, options.rows)
        return asyncio.run(_drive(stack, settings, gateway, options))


def _submit(stack: Stack, settings: Settings, rows: int) -> None:
    source = stack.home / "list.csv"
    write_list(source, rows)
    submit_file(settings, source, SubmitOptions(campaign="night", id_column="id"))


async def _drive(
    stack: Stack, settings: Settings, gateway: Process, options: argparse.Namespace
) -> Run:
    headers = {"authorization": f"Bearer {local_gateway.key(settings)}"}
    limits = httpx.Limits(max_connections=options.connections)
    address = local_gateway.url(stack) or ""
    async with httpx.AsyncClient(
        base_url=address, headers=headers, limits=limits, timeout=90
    ) as client:
        for number in range(WARM_UP):
            await _ask(client, number)
        process = psutil.Process(gateway.pid)
        before = sum(process.cpu_times()[:2])
        answers = await _open_loop(client, options.rate, options.seconds)
        cpu = sum(process.cpu_times()[:2]) - before
        resident = process.memory_info().rss / 2**20
    return _run(answers, cpu, resident, options)


async def _open_loop(client: httpx.AsyncClient, rate: float, seconds: float) -> list[Answer]:
    """Begin a request at each instant of the rate; return all answers."""
    count, began = round(rate * seconds), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        asked = list[asyncio.Task[Answer]]()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            asked.append(group.create_task(_ask(client, number)))
    return [each.result() for each in asked]


async def _ask(client: httpx.AsyncClient, number: int) -> Answer:
    began = time.perf_counter()
    body = {"input": TEXT, "voice": number % 8, "profile": "telephony"}
    response = await client.post("/v1/audio/speech", json=body)
    return Answer(response.status_code, time.perf_counter() - began, _own_ms(response))


def _own_ms(response: httpx.Response) -> float | None:
    """Return what the gateway took beside the pipeline and the store, by its header."""
    laps = dict(re.findall(r"(\w+);dur=([\d.]+)", response.headers.get("server-timing", "")))
    return float(laps["accept"]) if "accept" in laps else None


def _run(answers: list[Answer], cpu: float, resident: float, options: argparse.Namespace) -> Run:
    seconds = np.array([answer.seconds for answer in answers])
    own = np.array([answer.own_ms for answer in answers if answer.own_ms is not None] or [np.nan])
    return Run(
        engine=options.engine,
        rate=options.rate,
        seconds=options.seconds,
        connections=options.connections,
        rows=options.rows,
        statuses=dict(Counter(answer.status for answer in answers)),
        mean=round(float(seconds.mean()), 3),
        p50=round(float(np.percentile(seconds, 50)), 3),
        p99=round(float(np.percentile(seconds, 99)), 3),
        own_p50_ms=round(float(np.percentile(own, 50)), 2),
        own_p99_ms=round(float(np.percentile(own, 99)), 2),
        cpu_ms=round(1000 * cpu / len(answers), 2),
        resident_mib=round(resident, 1),
    )


if __name__ == "__main__":
    sys.exit(main())
