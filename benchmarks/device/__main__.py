"""Proves and measures the engine on a CUDA device, part by part, within eight minutes.

The parts run in one process, which this one watches: if it dies, hangs, or loses the device, the
parts that are left get a new one. Each part's result is written when the part ends.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.device.plan import BUDGET, PARTS, PATIENCE, RESULTS

START = 60  # seconds until a process has imported torch and made the weights
GRACE = 15  # seconds beyond a part's own, in which it may still say why it failed
LOOK = 0.2  # seconds between two looks at the results


def main() -> int:
    options = _parser().parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = [name for name in PARTS if name in options.parts]
    with tempfile.TemporaryDirectory() as models:
        held = _Watch(options, Path(models), chosen).run()
    print(f"\n{held} of {len(chosen)} parts hold; results: {options.out / RESULTS}")
    return 0 if held == len(chosen) else 1


class _Watch:
    """Runs the parts in child processes, and prints each result."""

    def __init__(self, options: argparse.Namespace, models: Path, parts: list[str]) -> None:
        self._options, self._models, self._left = options, models, list(parts)
        self._results = options.out / RESULTS
        self._read = self._results.stat().st_size if self._results.exists() else 0
        self._end = time.monotonic() + options.budget
        self._held = 0

    def run(self) -> int:
        """Return how many parts hold."""
        while self._left:
            left = len(self._left)
            child = subprocess.Popen(self._command())
            try:
                problem = self._follow(child)
            finally:
                child.kill()
                child.wait()
            self._take_results()
            # A process that ended after a result has lost its device: a new one goes on. One that
            # ended without any, or hangs, was ended by the part that it was at.
            if self._left and (child.returncode == -signal.SIGKILL or len(self._left) == left):
                self._fail(problem)
        return self._held

    def _command(self) -> list[str]:
        options = self._options
        command = [sys.executable, "-m", "benchmarks.device.parts", options.device]
        command += [str(self._models), str(options.out), *self._left]
        return [*command, "--tiny"] if options.tiny else command

    def _seconds(self) -> float:
        """Return how long the part at hand may take."""
        return PARTS[self._left[0]] * (PATIENCE if self._options.tiny else 1)

    def _follow(self, child: "subprocess.Popen[bytes]") -> str:
        """Print results as they come, until all are there or none comes; return why none comes."""
        limit = time.monotonic() + START + self._seconds() + GRACE
        while self._left:
            if self._take_results() and self._left:
                limit = time.monotonic() + self._seconds() + GRACE
            if time.monotonic() > min(limit, self._end):
                return "it did not answer" if limit < self._end else "no time was left for it"
            with suppress(subprocess.TimeoutExpired):
                return f"its process ended with exit code {child.wait(LOOK)}"
        return ""

    def _take_results(self) -> bool:
        """Print the results that are new; return True if there is one."""
        if not self._results.exists():
            return False
        with self._results.open() as file:
            file.seek(self._read)
            lines = file.readlines()
            self._read = file.tell()
        for line in lines:
            result = json.loads(line)
            self._left.remove(result["part"])
            self._held += result["holds"]
            verdict = "holds" if result["holds"] else "FAILS"
            print(f"{result['part']:14}{result['seconds']:>7} s  {verdict}  {result['headline']}")
        return bool(lines)

    def _fail(self, problem: str) -> None:
        """Write a result for the part that has none, or for all if the time is over."""
        over = time.monotonic() > self._end
        for name in self._left if over else self._left[:1]:
            result = {"part": name, "seconds": 0, "headline": problem, "holds": False}
            with self._results.open("a") as file:
                file.write(json.dumps(result) + "\n")
        self._take_results()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks/device/run.sh",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--tiny", action="store_true", help="small sizes: rehearses the command, measures nothing"
    )
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), help="only these; default all"
    )
    parser.add_argument(
        "--budget", type=float, default=BUDGET, help=f"seconds for all parts; default {BUDGET}"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(".device"), help="folder for the results; default .device"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
