"""Measure what reading a notification costs: `python -m benchmarks.text [--rounds 5]`.

A notification is three neighbouring sentences of one locale from the table of readings. Each is
read once per round by one thread; the figures are milliseconds of CPU. What the first reading in a
process compiles is a figure of its own. They go to benchmarks/results/text.json.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import cast

import psutil

from benchmarks.local_stack import machine
from seedcast.gpu_consumers.text import Reader
from seedcast.schemas.locales import Locale

TABLE = Path(__file__).parents[1] / "tests" / "fixtures" / "readings"
OUT = Path(__file__).parent / "results" / "text.json"
SENTENCES = 3  # of a notification


def notifications() -> Iterator[tuple[Locale, str]]:
    rows = [line.split("\t") for file in sorted(TABLE.glob("*.tsv")) for line in _lines(file)]
    for locale, group in groupby(rows, key=lambda row: row[0]):
        texts = [row[1] for row in group]
        for start in range(0, len(texts), SENTENCES):
            yield cast(Locale, locale), " ".join(texts[start : start + SENTENCES])


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").removesuffix("\n").split("\n")[1:]


def milliseconds(reader: Reader, locale: Locale, text: str) -> float:
    start = time.thread_time_ns()
    reader.read(text, locale=locale)
    return (time.thread_time_ns() - start) / 1e6


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(arguments).rounds
    texts, reader = list(notifications()), Reader()
    first = milliseconds(reader, *texts[0])
    for locale, text in texts:
        milliseconds(reader, locale, text)
    taken = sorted(
        milliseconds(reader, locale, text) for _ in range(rounds) for locale, text in texts
    )
    given = " ".join(sys.argv[1:] if arguments is None else arguments)
    figures = {
        "command": f"python -m benchmarks.text {given}".strip(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "load": psutil.getloadavg()[0],
        "notifications": len(texts),
        "characters": statistics.median(len(text) for _, text in texts),
        "first_ms": round(first, 1),
        "median_ms": round(statistics.median(taken), 3),
        "p99_ms": round(taken[int(len(taken) * 0.99)], 3),
        "longest_ms": round(taken[-1], 3),
    }
    OUT.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
