"""What `seedcast campaigns` costs: `python -m benchmarks.campaigns [--rows 500000] [--times 5]`.

A list is staged, and a result of each row is written to its topic: 1 % failed, none is spoken. Then
the command runs several times, each in a process of its own: at first without an index, so that it
reads the topics, and then with one, which `seedcast run indexer` has filled meanwhile. CPU is that
of the command's process alone, and includes its start. Figures go to
benchmarks/results/campaigns.json.
"""

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.index import result
from benchmarks.local_stack import machine, running_stack, start_worker, write_list
from benchmarks.night.topics import send
from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.embedded import Stack
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.storage.campaign_rows import rows_of

OUT = Path(__file__).parent / "results" / "campaigns.json"
NIGHT = "night"
FROM_TOPICS = "the topics are read instead"
LOOK = 0.5  # seconds between two looks whether the campaign is completed


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(argv)
    report = {
        "command": shlex.join(["python", "-m", "benchmarks.campaigns", *sys.argv[1:]]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        **_measure(options.rows, options.times),
    }
    print(json.dumps(report, indent=2))
    options.out.write_text(json.dumps(report, indent=2) + "\n")


def _measure(rows: int, times: int) -> dict[str, Any]:
    with running_stack() as (stack, settings):
        write_list(file := stack.home / "list.csv", rows)
        submit_file(settings, file, SubmitOptions(campaign=NIGHT, id_column="id"))
        send(settings, RESULTS, _results(settings))
        topics = [_ask(stack, expected=rows, from_topics=True) for _ in range(times)]
        seconds = _index(stack, settings)
        index = [_ask(stack, expected=rows, from_topics=False) for _ in range(times)]
    return {
        "rows": rows,
        "from_topics": _summary(topics),
        "from_the_index": _summary(index),
        # Its start, the list, the results and the outputs, beside its broker and store.
        "results_per_second_of_the_indexer": round(rows / seconds),
    }


def _results(settings: Settings) -> Iterator[tuple[str, bytes]]:
    for row in rows_of(settings, read_campaigns(settings)[NIGHT]):
        yield row.request_id, result(NIGHT, row.row, row.request_id).manifest


def _ask(stack: Stack, *, expected: int, from_topics: bool) -> tuple[float, float]:
    """Run the command, check what it says, and return its CPU seconds and its seconds."""
    before, began = _spent(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "seedcast.cli", "campaigns", "--json"],
        env={**os.environ, "SEEDCAST_HOME": str(stack.home)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, cpu = time.perf_counter() - began, _spent() - before
    (campaign,) = map(json.loads, done.stdout.splitlines())
    assert campaign["succeeded"] + campaign["failed"] == expected, campaign
    assert (FROM_TOPICS in done.stderr) == from_topics, done.stderr
    return cpu, seconds


def _spent() -> float:
    """Return CPU seconds of children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _index(stack: Stack, settings: Settings) -> float:
    """Let an indexer do all its work, and return the seconds until the campaign is completed."""
    began = time.perf_counter()
    start_worker(stack, "indexer")
    while read_campaigns(settings)[NIGHT].state != "completed":
        time.sleep(LOOK)
    return time.perf_counter() - began


def _summary(runs: list[tuple[float, float]]) -> dict[str, Any]:
    cpu, seconds = zip(*runs, strict=True)
    return {
        "cpu_seconds": {"median": round(median(cpu), 2), "each": [round(each, 2) for each in cpu]},
        "seconds": {"median": round(median(seconds), 2)},
    }


if __name__ == "__main__":
    main()
