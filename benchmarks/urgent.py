"""Urgent requests during a campaign: `python -m benchmarks.urgent [--rows 20000] [--urgent 60]`.

It runs on the embedded stack with a feeder, one GPU consumer (espeak) and one post-process worker,
all on this machine. While a bulk list is under way, one urgent request after another is written to
`requests.urgent`. Its latency is the time from then until its result can be read.
Figures go to benchmarks/results/urgent.json.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.local_stack import WORKERS, machine, running_stack, start_worker, write_list
from seedcast.codec import encode_json
from seedcast.kafka import Producer, TopicReader
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.schemas.messages import SpeechRequest
from seedcast.schemas.topics import AUDIO_URGENT, REQUESTS_URGENT, RESULTS
from seedcast.settings import Settings

RESULTS_FILE = Path(__file__).parent / "results" / "urgent.json"
TEXT = "Your gate has changed. Please go to gate forty-two."


@dataclass(frozen=True)
class Latency:
    rows: int  # of the bulk list
    urgent: int
    p50: float  # seconds
    p99: float
    slowest: float
    spoken_p50: float  # seconds until its audio was handed to the broker
    spoken_p99: float
    bulk_done_before: int  # results of the bulk list when the first urgent request was sent
    # The same when the last urgent result came back. The figures mean something only if this is
    # fewer than rows.
    bulk_done_after: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--urgent", type=int, default=60)
    arguments = parser.parse_args()
    latency = measure(arguments.rows, arguments.urgent)
    report = {"date": datetime.now(UTC).date().isoformat(), "machine": machine(), **asdict(latency)}
    RESULTS_FILE.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def measure(rows: int, urgent: int) -> Latency:
    with running_stack() as (stack, settings):
        for kind in WORKERS:
            start_worker(stack, kind)
        bulk = stack.home / "bulk.csv"
        write_list(bulk, rows)
        options = SubmitOptions(campaign="bulk", id_column="id", profiles=("telephony",))
        submit_file(settings, bulk, options)
        with TopicReader(settings, settings.topic(RESULTS)) as reader:
            return _measure_during_bulk(settings, reader, rows, urgent)


def _measure_during_bulk(
    settings: Settings, reader: TopicReader, rows: int, urgent: int
) -> Latency:
    done: set[str] = set()
    producer, latencies, sent = Producer(settings), list[float](), dict[str, float]()
    while len(done) < rows // 40:
        done.update(_ids(reader))
    before = len(done)
    for number in range(urgent):
        request = _request(number)
        began, sent[request.request_id] = time.perf_counter(), time.time()
        producer.deliver(settings.topic(REQUESTS_URGENT), key=b"1", value=encode_json(request))
        while request.request_id not in done:
            done.update(_ids(reader))
        latencies.append(time.perf_counter() - began)
    spoken = [at - sent[request_id] for request_id, at in _spoken(settings)]
    p50, p99, slowest = np.percentile(latencies, (50, 99, 100)).round(3).tolist()
    spoken_p50, spoken_p99 = np.percentile(spoken, (50, 99)).round(3).tolist()
    after = len(done) - urgent
    return Latency(rows, urgent, p50, p99, slowest, spoken_p50, spoken_p99, before, after)


def _spoken(settings: Settings) -> Iterator[tuple[str, float]]:
    """Yield each urgent request id, and when its audio was handed to the broker (Unix seconds)."""
    with TopicReader(settings, settings.topic(AUDIO_URGENT)) as reader:
        for record in reader.to_end():
            yield (record.key or b"").decode(), record.timestamp_ms / 1000


def _ids(reader: TopicReader) -> Iterator[str]:
    for record in reader.poll(0.02):
        yield (record.key or b"").decode()


def _request(number: int) -> SpeechRequest:
    return SpeechRequest(
        request_id=f"urgent-{number:05d}",
        campaign_id="alarms",
        text=TEXT,
        voice_seed=number,
        profiles=("telephony",),
        submitted_at=datetime.now(UTC),
        priority="urgent",
    )


if __name__ == "__main__":
    main()
