"""Speed of `submit`: `python -m benchmarks.submit [--rows 100000]`.

It submits the same list as CSV and as Parquet, until it is stored and its campaign exists.
"""

import argparse
import time

import pyarrow.csv
import pyarrow.parquet

from benchmarks.local_stack import machine, running_stack, write_list
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    _measure(parser.parse_args().rows)


def _measure(rows: int) -> None:
    with running_stack() as (stack, settings):
        csv, parquet = stack.home / "list.csv", stack.home / "list.parquet"
        write_list(csv, rows)
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(csv), parquet)
        warm_up = SubmitOptions(campaign="warm-up", id_column="id", dry_run=True)
        submit_file(settings, csv, warm_up)
        print(f"{machine()}\n\n| file | rows | rows/s |\n|---|---:|---:|")
        for file in (csv, parquet):
            began = time.perf_counter()
            options = SubmitOptions(campaign=file.name, id_column="id")
            report = submit_file(settings, file, options)
            speed = report.rows / (time.perf_counter() - began)
            print(f"| {file.name} | {report.accepted:,} | {speed:,.0f} |")


if __name__ == "__main__":
    main()
