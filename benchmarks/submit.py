"""`submit` alone, acknowledgement included: `python -m benchmarks.submit [--rows 100000]`, from CSV and from Parquet."""

import argparse
import time

import pyarrow.csv
import pyarrow.parquet

from benchmarks.night.deployments import running_stack
from benchmarks.pipeline import machine, write_list
from producers import SubmitOptions, submit_file
from seedcast.embedded import connected
from seedcast.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    _measure(parser.parse_args().rows)


def _measure(rows: int) -> None:
    with running_stack() as stack:
        home = stack.home
        write_list(home / "list.csv", rows)
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(home / "list.csv"), home / "list.parquet")
        settings = connected(Settings(home=home))
        submit_file(
            settings,
            home / "list.csv",
            SubmitOptions(campaign="warm-up", id_column="id", dry_run=True),
        )
        print(f"{machine()}\n\n| file | rows | rows/s |\n|---|---:|---:|")
        for name in ("list.csv", "list.parquet"):
            began = time.perf_counter()
            report = submit_file(
                settings, home / name, SubmitOptions(campaign=name, id_column="id")
            )
            print(
                f"| {name} | {report.accepted:,} | {report.rows / (time.perf_counter() - began):,.0f} |"
            )


if __name__ == "__main__":
    main()
