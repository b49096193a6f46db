"""How fast a batch is accepted: `python -m benchmarks.batches [--lines 50000] [--times 3]`.

On the embedded stack with one gateway and nobody who speaks. OpenAI's client uploads a file and
makes a batch of it; what is measured are the seconds from that until the batch is in progress:
every line is checked, its request built and stored, and the campaign exists. The first batch, which
creates topics, is not among them. Exits 1 if one took longer than the goal of 10 seconds.
Figures go to benchmarks/results/batches.json.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import openai

from benchmarks.local_stack import machine, running_stack, start_worker
from seedcast.cli import local_gateway
from seedcast.embedded import Stack
from seedcast.embedded.readiness import wait_until_ready
from seedcast.settings import Settings

OUT = Path(__file__).parent / "results" / "batches.json"
ENDPOINT = "/v1/audio/speech"
GOAL = 10.0  # seconds
KINDS = ("indexer",)
STEP = 0.1  # seconds between two questions


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    with running_stack() as (stack, settings):
        client = _client(stack, settings)
        _accepted(client, 10)
        runs = [_accepted(client, options.lines) for _ in range(options.times)]
    report = {
        "command": shlex.join(["python", "-m", "benchmarks.batches", *(argv or sys.argv[1:])]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "lines": options.lines,
        "accepted_seconds": [round(accepted, 2) for _, accepted in runs],
        "uploaded_seconds": [round(uploaded, 2) for uploaded, _ in runs],
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    return int(any(accepted > GOAL for _, accepted in runs))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


def _client(stack: Stack, settings: Settings) -> openai.OpenAI:
    for kind in KINDS:
        start_worker(stack, kind)
    start_worker(stack, "gateway", local_gateway.NAME)
    wait_until_ready(stack, [*KINDS, local_gateway.NAME])
    key = local_gateway.key(settings)
    return openai.OpenAI(api_key=key, base_url=f"{local_gateway.url(stack)}/v1", timeout=120)


def _accepted(client: openai.OpenAI, lines: int) -> tuple[float, float]:
    """Return the seconds of the upload, and those from making the batch until it is in progress."""
    began = time.perf_counter()
    file = client.files.create(file=("batch.jsonl", _file(lines)), purpose="batch")
    uploaded = time.perf_counter()
    batch = client.batches.create(
        input_file_id=file.id,
        endpoint=ENDPOINT,  # type: ignore[arg-type]
        completion_window="24h",
    )
    while batch.status == "validating":
        time.sleep(STEP)
        batch = client.batches.retrieve(batch.id)
    accepted = time.perf_counter()
    if batch.status != "in_progress":
        raise SystemExit(f"expected a batch that is in progress, got {batch}")
    return uploaded - began, accepted - uploaded


def _file(lines: int) -> bytes:
    return b"".join(_line(number) for number in range(lines))


def _line(number: int) -> bytes:
    text = f"Dear customer {number}, your parcel arrives tomorrow between nine and eleven."
    body = {"model": "tts-1", "voice": str(number % 8), "input": text}
    line = {"custom_id": f"r-{number}", "method": "POST", "url": ENDPOINT, "body": body}
    return json.dumps(line).encode() + b"\n"


if __name__ == "__main__":
    sys.exit(main())
