"""The results index: `python -m benchmarks.index [--requests 100000] [--campaigns 2] [--at-once]`.

Loads the lists of some campaigns into SQLite and into PostgreSQL, then their results, as an
indexer does without its Kafka and S3: 1 % failed, 1 KiB a manifest, not quite in the list's order.
Then asks each question many times, and reads the rows of one campaign, with this process's memory.
With --at-once the rows come with their results, by COPY: for millions of requests, whose writing is
not measured then.

PostgreSQL is that of the tests with its usual settings, on the same cores; fsync is on. Figures go
to benchmarks/results/index.json.
"""

import argparse
import hashlib
import json
import random
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from sqlalchemy import text

from benchmarks.index_fill import Values, fill
from benchmarks.local_stack import machine
from seedcast.codec import encode_json
from seedcast.schemas.messages import (
    Campaign,
    Receipt,
    Rendition,
    RequestError,
    SpeechResult,
    StagedList,
)
from seedcast.settings import IndexSettings, Settings
from seedcast.storage.index.database import open_database
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.reader import Index, open_index
from seedcast.storage.index.sqlite import path_of
from seedcast.storage.index.writer import IndexWriter, ListRow, StoredResult, TopicFacts

OUT = Path(__file__).parent / "results" / "index.json"
BATCH = 2000  # results in a transaction
NEAR = 20_000  # results whose order is mixed
ASKED = 50  # times
LONG = 5  # times: a question that looks through a whole campaign
TOPIC = TopicFacts(cluster_id="cluster", topic="results", topic_id="topic", log_starts={0: 0})
DATABASES = ("sqlite", "postgresql")


def main() -> int:
    options = _parser().parse_args()
    figures = {}
    for name in options.databases:
        with database(name) as settings:
            figures[name] = _measure(settings, options.requests // options.campaigns, options)
            print(name, json.dumps(figures[name], indent=2), flush=True)
    report = {
        "command": shlex.join(["python", "-m", "benchmarks.index", *sys.argv[1:]]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        **figures,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--campaigns", type=int, default=2)
    parser.add_argument("--at-once", action="store_true", help="fill it fast, and measure reading")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


@contextmanager
def database(name: str) -> Iterator[IndexSettings]:
    if name == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield IndexSettings(url=f"sqlite:///{folder}/index.sqlite")
        return
    from tests.builders.postgres_server import postgres_server

    with postgres_server(options=()) as server:
        yield server.new_database()


def _measure(settings: IndexSettings, rows: int, options: argparse.Namespace) -> dict[str, Any]:
    migrate(settings)
    names = [f"night-{number:02}" for number in range(options.campaigns)]
    total = rows * len(names)
    write = _fill if options.at_once else _write
    written = write(settings, names, rows)
    index = open_index(Settings(index=settings))
    assert index is not None
    with index:
        return {
            "requests": total,
            "campaigns": len(names),
            **written,
            "bytes_per_request": round(_bytes(settings) / total),
            "milliseconds": _ask(index, names, rows),
            "streamed": _stream(index, names[0]),
        }


def _write(settings: IndexSettings, names: list[str], rows: int) -> dict[str, int]:
    """Write as an indexer does, and return its speeds."""
    with open_database(settings, read_only=False) as opened:
        writer = IndexWriter.begin_term(opened, "benchmark", TOPIC)
        writer.put_campaigns(campaign(name, rows) for name in names)
        loading = sum(_load(writer, name, rows) for name in names)
        adding, cpu = map(sum, zip(*(_add(writer, name, rows) for name in names), strict=True))
    total = rows * len(names)
    return {
        "list_rows_per_second": round(total / loading),
        "results_per_second": round(total / adding),
        # Of this process alone: with SQLite all there is, with PostgreSQL the client's part.
        "results_per_cpu_second": round(total / cpu),
    }


def _fill(settings: IndexSettings, names: list[str], rows: int) -> dict[str, int]:
    with open_database(settings, read_only=False) as opened:
        writer = IndexWriter.begin_term(opened, "benchmark", TOPIC)
        writer.put_campaigns(campaign(name, rows) for name in names)
    seconds = _seconds(lambda: fill(settings, ((name, filled(name, rows)) for name in names)))
    return {"seconds_to_fill_at_once": round(seconds)}


def filled(name: str, rows: int) -> Iterator[tuple[str, Values]]:
    """Yield each request id, and what follows it and its campaign in the table."""
    made = {row: _result(name, row) for row in (1, 100)}  # one that succeeded, one that failed
    for row in range(1, rows + 1):
        template = 1 if row % 100 else 100
        found = made[template].result
        ours = request_id(name, row)
        manifest = made[template].manifest.replace(
            request_id(name, template).encode(), ours.encode()
        )
        outcome = (
            (found.status, None, 4_100_000, 0, 1, 2)
            if found.error is None
            else (found.status, found.error.code, None, None, None, None)
        )
        yield ours, (row, f"n-{row:07}", *outcome, 1_800_000_000_000 + row, manifest)


def campaign(name: str, rows: int) -> Campaign:
    staged = StagedList(staging="0" * 16, parts=(), digest="0" * 64, ids_digest="0" * 64)
    now = datetime.now(UTC)
    return Campaign(campaign_id=name, state="sealed", created_at=now, accepted=rows, staged=staged)


def _load(writer: IndexWriter, name: str, rows: int) -> float:
    listed = (ListRow(row, request_id(name, row), f"n-{row:07}") for row in range(1, rows + 1))
    return _seconds(lambda: writer.load_list(name, listed))


def _add(writer: IndexWriter, name: str, rows: int) -> tuple[float, float]:
    """Return the writer's seconds and CPU seconds, without those of making the results."""
    seconds = cpu = 0.0
    for batch in _batches(name, rows):
        position = writer.positions[0]
        moved = {0: (position, position + len(batch))}
        before = time.process_time()
        seconds += _seconds(lambda m=moved, b=batch: writer.add_results(m, b))  # type: ignore[misc]
        cpu += time.process_time() - before
    return seconds, cpu


def _batches(name: str, rows: int) -> Iterator[list[StoredResult]]:
    mixed = random.Random(name)
    for start in range(1, rows + 1, NEAR):
        near = list(range(start, min(start + NEAR, rows + 1)))
        mixed.shuffle(near)
        for first in range(0, len(near), BATCH):
            yield [_result(name, row) for row in near[first : first + BATCH]]


def request_id(name: str, row: int) -> str:
    return hashlib.blake2b(f"{name} {row}".encode(), digest_size=16).hexdigest()


def _result(name: str, row: int) -> StoredResult:
    return result(name, row, request_id(name, row))


def result(name: str, row: int, identity: str) -> StoredResult:
    """Return the result of a row of a campaign, by its request id: every hundredth failed."""
    if row % 100 == 0:
        made = SpeechResult(
            request_id=identity,
            campaign_id=name,
            status="failed",
            error=RequestError(code="unstable", message="no draw gave a plausible waveform"),
            metadata={"row": str(row), "id": f"n-{row:07}"},
        )
    else:
        made = _succeeded(name, row, identity)
    return StoredResult(made, encode_json(made), 1_800_000_000_000 + row)


def _succeeded(name: str, row: int, identity: str) -> SpeechResult:
    digest = request_id(name, row) * 2
    return SpeechResult(
        request_id=identity,
        campaign_id=name,
        status="succeeded",
        renditions=(
            Rendition(
                profile="telephony",
                uri=f"s3://seedcast/{name}/{digest[:2]}/{digest}.wav",
                format="wav",
                sample_rate=8000,
                duration=4.0 + row % 7 / 10,
                bytes=64_044,
                sha256=digest,
                loudness=-16.0,
                true_peak=-1.5,
                snr=41.5,
                denoised=False,
                trimmed=0.31,
                chain_version=3,
            ),
        ),
        receipt=Receipt(
            voice_seed=42,
            text_digest=digest,
            waveform_sha256=digest,
            engine_fingerprint="chattts-0.2.5-" + "f" * 32,
            chain_fingerprint="chain-3-" + "e" * 32,
            draw=0,
        ),
        metadata={"row": str(row), "id": f"n-{row:07}"},
    )


def _ask(index: Index, names: list[str], rows: int) -> dict[str, float]:
    """Return the median and the worst time of each question, and the median CPU time, in ms."""
    drawn = random.Random(7)

    def some() -> tuple[str, int]:
        return drawn.choice(names), drawn.randint(1, rows)

    def middle(name: str) -> str:
        return f"{rows // 2}:{request_id(name, rows // 2)}"

    questions: dict[str, Callable[[], object]] = {
        "campaigns": index.campaigns,
        "campaign": lambda: index.campaign(drawn.choice(names)),
        "request": lambda: index.request(request_id(*some())),
        "own_id": lambda: index.find(drawn.choice(names), f"n-{drawn.randint(1, rows):07}"),
        "first_page": lambda: index.requests(drawn.choice(names)),
        "page_in_the_middle": lambda: index.requests(names[0], after=middle(names[0])),
        "first_page_of_errors": lambda: index.requests(drawn.choice(names), status="failed"),
        "first_page_of_a_code": lambda: index.requests(drawn.choice(names), error="unstable"),
    }
    asked = {name: _milliseconds(question) for name, question in questions.items()}
    # There is none: the whole campaign is looked through.
    waiting = _milliseconds(lambda: next(index.rows(names[0], statuses={None}), None), LONG)
    return asked | {"first_row_that_waits": waiting}


def _milliseconds(question: Callable[[], object], number: int = ASKED) -> Any:
    times, cpu = list[float](), list[float]()
    for _ in range(number):
        before = time.process_time()
        times.append(_seconds(question) * 1000)
        cpu.append((time.process_time() - before) * 1000)
    return {
        "median": round(median(times), 2),
        "worst": round(max(times), 2),
        "cpu": round(median(cpu), 2),
    }


def _bytes(settings: IndexSettings) -> int:
    """Return the size of the database, indexes included."""
    if settings.url.startswith("sqlite"):
        return path_of(settings).stat().st_size
    with (
        open_database(settings, read_only=True) as opened,
        opened.transaction("measuring the database") as connection,
    ):
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def _stream(index: Index, name: str) -> dict[str, float]:
    process = psutil.Process()
    before = process.memory_info().rss
    began, count, peak = time.perf_counter(), 0, before
    for _ in index.rows(name):
        count += 1
        if count % 10_000 == 0:
            peak = max(peak, process.memory_info().rss)
    seconds = time.perf_counter() - began
    return {
        "rows": count,
        "seconds": round(seconds, 2),
        "rows_per_second": round(count / seconds),
        "memory_growth_mib": round((peak - before) / 2**20, 1),
    }


def _seconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
