"""Speed and memory of `submit`: `python -m benchmarks.submit [--rows 20000 100000]`.

It submits the same list as CSV (plain, packed and in another encoding) and as Parquet, each in a
process of its own, on the embedded stack. Rows per second count from reading the file until its
campaign exists. The deployment's first list, which creates topics, is not among them. Peak is the
most memory that the process had resident.
"""

import argparse
import gzip
import multiprocessing
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet

from benchmarks.local_stack import machine, running_stack, write_list
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.settings import Settings

ENCODING = "gb18030"
WARM_UP = 2000  # rows: what is loaded and compiled at first is no part of the speed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000])
    sizes: list[int] = parser.parse_args().rows
    print(f"{machine()}\n\n| file | rows | rows/s | peak |\n|---|---:|---:|---:|")
    with running_stack() as (stack, settings):
        write_list(warm_up := stack.home / "warm-up.csv", WARM_UP)
        submit_file(settings, warm_up, SubmitOptions(campaign="topics", id_column="id"))
        for rows in sizes:
            for file in _files(stack.home, rows):
                accepted, seconds, peak = _measured(settings, warm_up, file)
                speed = f"{accepted / seconds:,.0f}"
                print(f"| {file.name} | {accepted:,} | {speed} | {peak} MiB |", flush=True)


def _files(folder: Path, rows: int) -> tuple[Path, ...]:
    """Write a list as CSV, packed, in another encoding, and as Parquet."""
    csv, parquet = folder / f"list-{rows}.csv", folder / f"list-{rows}.parquet"
    packed, recoded = folder / f"{csv.name}.gz", folder / f"{csv.stem}-{ENCODING}.csv"
    write_list(csv, rows)
    with csv.open("rb") as plain, gzip.open(packed, "wb", compresslevel=6) as target:
        shutil.copyfileobj(plain, target)
    recoded.write_text(csv.read_text("utf-8"), ENCODING)
    with (
        pyarrow.csv.open_csv(csv) as reader,
        pyarrow.parquet.ParquetWriter(parquet, reader.schema) as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)
    return csv, packed, recoded, parquet


def _measured(settings: Settings, warm_up: Path, file: Path) -> tuple[int, float, int]:
    """Return accepted rows, seconds and MiB of a submission in a fresh process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(_submit, settings, warm_up, file).result()


def _submit(settings: Settings, warm_up: Path, file: Path) -> tuple[int, float, int]:
    submit_file(settings, warm_up, SubmitOptions(campaign="warm-up", id_column="id", dry_run=True))
    began = time.perf_counter()
    encoding = ENCODING if ENCODING in file.name else None
    options = SubmitOptions(campaign=file.name, id_column="id", encoding=encoding)
    report = submit_file(settings, file, options)
    return report.accepted, time.perf_counter() - began, _peak()


def _peak() -> int:
    """Return this process's peak in MiB. getrusage has that of the process that started it."""
    status = Path("/proc/self/status").read_text()
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak) // 1024


if __name__ == "__main__":
    main()
