"""Urgent requests into a running campaign: `python -m benchmarks.urgent [--rows 20000] [--urgent 60]`.

The embedded stack, one GPU consumer (espeak), one post-process worker, all on this machine. While a bulk list is under way, one
urgent request after another goes onto `requests.urgent`; its latency is the time from then until its result can be read.
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

from benchmarks.night.deployments import running_stack
from benchmarks.pipeline import WORKERS, machine, write_list
from producers import SubmitOptions, submit_file
from schemas.messages import SpeechRequest
from schemas.topics import AUDIO_URGENT, REQUESTS_URGENT, RESULTS
from seedcast.codec import encode_json
from seedcast.embedded import connected
from seedcast.kafka import Producer, TopicReader
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
    bulk_done_before: int  # results of the bulk list when the first urgent one was sent
    bulk_done_after: int  # and when the last one came back: fewer than rows, or nothing was shown


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--urgent", type=int, default=60)
    given = parser.parse_args()
    found = measure(given.rows, given.urgent)
    report = {"date": datetime.now(UTC).date().isoformat(), "machine": machine(), **asdict(found)}
    RESULTS_FILE.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def measure(rows: int, urgent: int) -> Latency:
    with running_stack() as stack:
        for name in WORKERS:
            stack.start_worker(name, ["run", name], {"SEEDCAST_LOG_LEVEL": "warning"})
        settings = connected(Settings(home=stack.home))
        write_list(stack.home / "bulk.csv", rows)
        submit_file(
            settings,
            stack.home / "bulk.csv",
            SubmitOptions(campaign="bulk", id_column="id", profiles=("telephony",)),
        )
        with TopicReader(settings, settings.topic(RESULTS)) as reader:
            return _into_the_backlog(settings, reader, rows, urgent)


def _into_the_backlog(settings: Settings, reader: TopicReader, rows: int, urgent: int) -> Latency:
    done: set[str] = set()
    producer, spans, sent = Producer(settings), list[float](), dict[str, float]()
    while len(done) < rows // 40:
        done.update(_ids(reader))
    before = len(done)
    for number in range(urgent):
        request = _request(number)
        began, sent[request.request_id] = time.perf_counter(), time.time()
        producer.deliver(settings.topic(REQUESTS_URGENT), key=b"1", value=encode_json(request))
        while request.request_id not in done:
            done.update(_ids(reader))
        spans.append(time.perf_counter() - began)
    spoken = [at - sent[name] for name, at in _spoken(settings)]
    p50, p99, slowest = np.percentile(spans, (50, 99, 100)).round(3).tolist()
    spoken_p50, spoken_p99 = np.percentile(spoken, (50, 99)).round(3).tolist()
    return Latency(
        rows, urgent, p50, p99, slowest, spoken_p50, spoken_p99, before, len(done) - urgent
    )


def _spoken(settings: Settings) -> Iterator[tuple[str, float]]:
    """Each urgent request, and when the GPU consumer handed its audio to the broker (seconds since 1970)."""
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
