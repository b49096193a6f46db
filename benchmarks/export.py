"""How long `export` takes, and how much memory: a campaign of an index, in each format.

    python -m benchmarks.export --requests 50000 500000

The index is a SQLite file that the real writer fills; one request of a hundred failed. Each format
is written by a process of its own, whose peak of memory is measured. Links are signed with keys of
this program: no store is asked.
"""

import argparse
import json
import multiprocessing
import resource
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

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
from seedcast.settings import IndexSettings, S3Settings, Settings
from seedcast.storage.export.export import Format, Source, export_file, requests_of
from seedcast.storage.export.lines import LineOptions
from seedcast.storage.index.database import open_database
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.reader import open_index
from seedcast.storage.index.writer import IndexWriter, ListRow, StoredResult, TopicFacts
from seedcast.storage.s3 import S3Store

OUT = Path(__file__).parent / "results" / "export.json"
NIGHT = "night"
BATCH = 5000  # results of a transaction
MIB = 1024 * 1024
RUNS: tuple[tuple[Format, bool], ...] = (
    ("csv", False),
    ("jsonl", False),
    ("parquet", False),
    ("xlsx", False),
    ("csv", True),
)


@dataclass(frozen=True)
class Run:
    requests: int
    format: str
    links: bool
    seconds: float
    cpu_seconds: float
    peak_mib: float  # of the process
    file_mib: float


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, nargs="+", default=[50_000, 500_000])
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(argv)
    runs = [run for size in options.requests for run in _measure(size)]
    arguments = sys.argv[1:] if argv is None else argv
    report = {
        "command": shlex.join(["python", "-m", "benchmarks.export", *arguments]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "runs": [asdict(run) for run in runs],
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _measure(size: int) -> Iterator[Run]:
    with TemporaryDirectory() as folder:
        settings = _settings(Path(folder))
        began = time.monotonic()
        _fill(settings, size)
        print(f"{size:,} requests, {time.monotonic() - began:.0f} s to index them", flush=True)
        for format_, links in RUNS:
            context = multiprocessing.get_context("spawn")
            with context.Pool(1) as pool:
                run = pool.apply(_export, (settings, Path(folder), size, format_, links))
            print(
                f"{format_:<8} {'links' if links else '':<6} {run.seconds:6.1f} s"
                f" {run.cpu_seconds:6.1f} CPU s {run.peak_mib:6.0f} MiB peak",
                f"{run.file_mib:6.0f} MiB of file",
                flush=True,
            )
            yield run


def _export(settings: Settings, folder: Path, size: int, format_: Format, links: bool) -> Run:
    index = open_index(settings)
    assert index
    store, valid = S3Store(settings.s3), timedelta(days=7)
    options = LineOptions(sign=(lambda uri: store.presign(uri, valid)) if links else None)
    path, began = folder / f"list.{format_}", time.monotonic()
    source = Source(read=lambda: requests_of(index, NIGHT), most=size)
    report = export_file(source, path, format_, options)
    assert report.requests == size
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Run(
        requests=size,
        format=format_,
        links=links,
        seconds=round(time.monotonic() - began, 2),
        cpu_seconds=round(usage.ru_utime + usage.ru_stime, 2),
        peak_mib=round(_peak() / MIB, 1),
        file_mib=round(path.stat().st_size / MIB, 1),
    )


def _peak() -> int:
    """Return bytes. `getrusage` would count the process that started this one, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _settings(folder: Path) -> Settings:
    keys = {"access_key": "benchmark", "secret_key": SecretStr("benchmark")}
    return Settings(
        index=IndexSettings(url=f"sqlite:///{folder / 'index.db'}"),
        s3=S3Settings(endpoint="https://s3.example.org", **keys),
    )


def _fill(settings: Settings, size: int) -> None:
    migrate(settings.index)
    facts = TopicFacts(cluster_id="c", topic="results", topic_id="t", log_starts={})
    with open_database(settings.index, read_only=False) as database:
        writer = IndexWriter.begin_term(database, "benchmark", facts)
        writer.put_campaigns([_campaign(size)])
        writer.load_list(NIGHT, (ListRow(n, _id(n), f"b-{n}") for n in range(1, size + 1)))
        results = map(_result, range(1, size + 1))
        while batch := list(islice(results, BATCH)):
            writer.add_results({}, batch)


def _campaign(size: int) -> Campaign:
    digest = sha256().hexdigest()
    return Campaign(
        campaign_id=NIGHT,
        state="sealed",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        accepted=size,
        staged=StagedList(staging="0" * 16, parts=(), digest=digest, ids_digest=digest),
    )


def _id(number: int) -> str:
    return sha256(b"%d" % number).hexdigest()[:32]


def _result(number: int) -> StoredResult:
    failed, hashed = number % 100 == 0, sha256(b"%d" % number).hexdigest()
    rendition = Rendition(
        profile="phone",
        uri=f"s3://seedcast/{NIGHT}/{hashed[:2]}/{hashed}.ogg",
        format="ogg-opus",
        sample_rate=16_000,
        duration=4 + number % 300 / 100,
        bytes=12_000 + number % 5000,
        sha256=hashed,
        loudness=-19.0,
        true_peak=-3.2,
        snr=58.5,
        denoised=False,
        trimmed=0.41,
        chain_version=7,
    )
    receipt = Receipt(
        voice_seed=number % 1000,
        text_digest=hashed,
        waveform_sha256=hashed,
        engine_fingerprint="chattts-0123456789abcdef",
        chain_fingerprint="0123456789abcdef",
        draw=0,
    )
    result = SpeechResult(
        request_id=_id(number),
        campaign_id=NIGHT,
        status="failed" if failed else "succeeded",
        renditions=() if failed else (rendition,),
        receipt=None if failed else receipt,
        error=RequestError(code="unstable", message="no draw was plausible") if failed else None,
        metadata={"id": f"b-{number}", "row": str(number)},
    )
    return StoredResult(result, encode_json(result), 1_767_225_600_000 + number)


if __name__ == "__main__":
    sys.exit(main())
