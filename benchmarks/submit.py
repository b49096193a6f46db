"""Speed and memory of `submit`: `python -m benchmarks.submit [--rows 20000 100000]`.

It submits the same list as CSV (plain, packed and in another encoding), as Parquet and as a
workbook, each in a process of its own, on the embedded stack, and checks the CSV as
`seedcast check` does. Rows per second count from reading the file until its campaign exists. The
deployment's first list, which creates topics, is not among them. Peak is the most memory that the
process had resident. The figures go to benchmarks/results/submit.json.
"""

import argparse
import csv
import gzip
import json
import multiprocessing
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import xlsxwriter

from benchmarks.local_stack import machine, running_stack, write_list
from seedcast.cli.findings import check_file
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.settings import Settings

RESULTS_FILE = Path(__file__).parent / "results" / "submit.json"
ENCODING = "gb18030"
WARM_UP = 2000  # rows: what is loaded and compiled at first is no part of the speed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--out", type=Path, default=RESULTS_FILE)
    options = parser.parse_args()
    figures = []
    print(f"{machine()}\n\n| file | rows | rows/s | peak |\n|---|---:|---:|---:|")
    with running_stack() as (stack, settings):
        write_list(warm_up := stack.home / "warm-up.csv", WARM_UP)
        submit_file(settings, warm_up, SubmitOptions(campaign="topics", id_column="id"))
        for rows in options.rows:
            files = _files(stack.home, rows)
            for file, is_check in ((files[0], True), *((file, False) for file in files)):
                name = f"{file.name}, checked" if is_check else file.name
                accepted, seconds, peak = _measured(settings, warm_up, file, is_check)
                speed = round(accepted / seconds)
                figures.append(
                    {"file": name, "rows": accepted, "rows_per_second": speed, "peak_mib": peak}
                )
                print(f"| {name} | {accepted:,} | {speed:,} | {peak} MiB |", flush=True)
    report = {
        "command": f"python -m benchmarks.submit {' '.join(sys.argv[1:])}".strip(),
        "date": str(datetime.now(UTC).date()),
        "machine": machine(),
        "lists": figures,
    }
    options.out.write_text(json.dumps(report, indent=2) + "\n")


def _files(folder: Path, rows: int) -> tuple[Path, ...]:
    """Write a list as CSV, packed, in another encoding, as Parquet and as a workbook."""
    plain, parquet = folder / f"list-{rows}.csv", folder / f"list-{rows}.parquet"
    packed, recoded = folder / f"{plain.name}.gz", folder / f"{plain.stem}-{ENCODING}.csv"
    write_list(plain, rows)
    with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target)
    recoded.write_text(plain.read_text("utf-8"), ENCODING)
    with (
        pyarrow.csv.open_csv(plain) as reader,
        pyarrow.parquet.ParquetWriter(parquet, reader.schema) as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)
    return plain, packed, recoded, parquet, _workbook(plain)


def _workbook(plain: Path) -> Path:
    """Write a list of CSV as a workbook."""
    path = plain.with_suffix(".xlsx")
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet()
    with plain.open(encoding="utf-8", newline="") as file:
        for number, line in enumerate(csv.reader(file)):
            sheet.write_row(number, 0, line)
    book.close()
    return path


def _measured(
    settings: Settings, warm_up: Path, file: Path, is_check: bool
) -> tuple[int, float, int]:
    """Return accepted rows, seconds and MiB of a submission or a check in a fresh process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(_submit, settings, warm_up, file, is_check).result()


def _submit(
    settings: Settings, warm_up: Path, file: Path, is_check: bool
) -> tuple[int, float, int]:
    submit_file(settings, warm_up, SubmitOptions(campaign="warm-up", id_column="id", dry_run=True))
    began = time.perf_counter()
    encoding = ENCODING if ENCODING in file.name else None
    options = SubmitOptions(campaign=file.name, id_column="id", encoding=encoding)
    if is_check:
        report = check_file(settings, file, options).report
    else:
        report = submit_file(settings, file, options)
    return report.accepted, time.perf_counter() - began, _peak()


def _peak() -> int:
    """Return this process's peak in MiB. getrusage has that of the process that started it."""
    status = Path("/proc/self/status").read_text()
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak) // 1024


if __name__ == "__main__":
    main()
