"""What feeding costs: `python -m benchmarks.full_topic [--rows 3000] [--pairs 5] [--engine echo]`.

The same requests go through one GPU consumer and one post-process worker twice per pair: fed by a
feeder from a staged list, a little ahead; and written into their topic all at once, as `submit` did
before there was a feeder. Compared is the CPU of all processes until the last result, per request:
broker, S3, workers, and the feeder or the writing. Starting a feeder and staging the list are not
in it, nor is following the results; what S3 and the broker do for the staging is.
Figures go to benchmarks/results/full_topic.json.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from benchmarks.local_stack import (
    machine,
    read_metrics,
    running_stack,
    start_measured_worker,
    write_list,
)
from benchmarks.night.topics import send
from benchmarks.processes import THIS, cpu_seconds
from seedcast.campaigns.campaign_topic import announce, read_campaigns
from seedcast.campaigns.waiting import wait
from seedcast.codec import encode_json
from seedcast.embedded import Stack
from seedcast.kafka import Producer
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import REQUESTS
from seedcast.settings import Settings
from seedcast.storage.campaign_rows import rows_of
from seedcast.storage.list_ids import ids_reader

OUT = Path(__file__).parent / "results" / "full_topic.json"
WARM_UP = 200  # rows
ACTIVE = ("seedcast_feeder_active", ())


@dataclass(frozen=True)
class Leg:
    cpu_ms: float  # per request
    cpu_ms_by_process: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Pair:
    fed: Leg
    written: Leg

    @property
    def ratio(self) -> float:
        return self.fed.cpu_ms / self.written.cpu_ms


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--engine", default="echo")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(argv)
    pairs = _measure(options.rows, options.pairs, options.engine)
    report = {
        "command": shlex.join(
            ["python", "-m", "benchmarks.full_topic", *(sys.argv[1:] if argv is None else argv)]
        ),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "rows": options.rows,
        "engine": options.engine,
        "median_ratio": round(median(pair.ratio for pair in pairs), 4),
        "ratios": [round(pair.ratio, 4) for pair in pairs],
        "pairs": [asdict(pair) for pair in pairs],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def _measure(rows: int, pairs: int, engine: str) -> list[Pair]:
    with running_stack() as (stack, settings):
        for kind in ("gpu-consumer", "postprocess"):
            start_measured_worker(stack, kind, {"SEEDCAST_GPU_ENGINE": engine})
        _pair(stack, settings, WARM_UP, "warm-up")
        return [_pair(stack, settings, rows, f"pair-{number}") for number in range(pairs)]


def _pair(stack: Stack, settings: Settings, rows: int, name: str) -> Pair:
    pair = Pair(_fed(stack, settings, rows, name), _written(stack, settings, name))
    print(f"{name}: {pair.ratio:.3f}", flush=True)
    return pair


def _fed(stack: Stack, settings: Settings, rows: int, campaign: str) -> Leg:
    write_list(source := stack.home / f"{campaign}.csv", rows)
    options = SubmitOptions(  # on the partitions that `send` takes
        campaign=campaign, id_column="id", profiles=("telephony",), spread=1
    )
    with _feeder(stack):
        before, began = cpu_seconds(stack), time.perf_counter()
        accepted = submit_file(settings, source, options).accepted
        wait(settings, campaign, ids_reader(settings.s3))
        return _leg(stack, before, began, accepted)


def _written(stack: Stack, settings: Settings, fed: str) -> Leg:
    """Write the requests of a list that was fed, under other names."""
    campaign, listed = f"{fed}-written", read_campaigns(settings)[fed]
    requests = (row.request for row in rows_of(settings, listed))
    records = [
        (
            str(each.voice_seed),
            encode_json(
                replace(each, request_id=f"{each.request_id[:56]}-again", campaign_id=campaign)
            ),
        )
        for each in requests
    ]
    record = Campaign(
        campaign_id=campaign, state="sealed", created_at=datetime.now(UTC), accepted=len(records)
    )
    before, began = cpu_seconds(stack), time.perf_counter()
    announce(Producer(settings), settings, record)
    writing = time.process_time()
    send(settings, REQUESTS, records)
    writing = time.process_time() - writing
    wait(settings, campaign, ids_reader(settings.s3))
    return _leg(stack, before, began, len(records), writing)


@contextmanager
def _feeder(stack: Stack) -> Iterator[None]:
    """Run a feeder, which is active when the block begins."""
    _, port = start_measured_worker(stack, "feeder")
    while not read_metrics(port).get(ACTIVE):
        time.sleep(0.1)
    try:
        yield
    finally:
        stack.stop(["feeder"])


def _leg(
    stack: Stack, before: dict[str, float], began: float, requests: int, writing: float = 0.0
) -> Leg:
    """`writing`: CPU seconds of this process that count; all else that it does is following."""
    seconds = time.perf_counter() - began
    spent = {name: cpu - before[name] for name, cpu in cpu_seconds(stack).items()}
    del spent[THIS]
    if writing:
        spent["writing"] = writing
    by_process = {name: round(each / requests * 1e3, 3) for name, each in spent.items()}
    return Leg(round(sum(spent.values()) / requests * 1e3, 3), by_process, round(seconds, 1))


if __name__ == "__main__":
    main()
