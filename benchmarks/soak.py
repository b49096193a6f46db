"""A night with faults: `python -m benchmarks.soak [--requests 20000] [--minutes 10] [--seed N]`.

Two feeders, two GPU consumers (espeak) and two post-process workers run on an embedded stack of
their own. While a campaign runs, one fault after another is drawn: a worker is killed with -9, told
to leave, or stopped beyond its session; the broker is killed or frozen; the object store is
stopped; the campaign is paused and resumed. Workers that end are started again, as Kubernetes would
do. At the end the audit checks that every request ended once, and sets the exit code.
The report goes to benchmarks/results/soak.json, or to the file that --out names.
"""

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.local_stack import WORKERS, machine, running_stack, start_worker, write_list
from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import change_campaign
from seedcast.campaigns.progress import Outcomes
from seedcast.embedded import Stack
from seedcast.kafka import TopicReader
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_file
from seedcast.schemas.topics import AUDIO, RESULTS, Topic
from seedcast.settings import Settings
from seedcast.storage.audit import audit
from seedcast.storage.list_ids import ids_reader
from seedcast.storage.s3 import S3Store

REPORT = Path(__file__).parent / "results" / "soak.json"
CAMPAIGN = "soak"
KINDS = {f"{kind}-{number}": kind for kind in WORKERS for number in (1, 2)}  # by worker's name
SESSION_TIMEOUT = 6.0  # seconds
RECOVERY_TIMEOUT = 120.0  # seconds
ENV = {
    "SEEDCAST_KAFKA_SESSION_TIMEOUT": str(SESSION_TIMEOUT),
    "SEEDCAST_S3_READ_TIMEOUT": "2",
}


@dataclass(frozen=True)
class Fault:
    name: str
    at: float  # seconds since the campaign began
    # Seconds from the fault's end to the next new result; None: not within RECOVERY_TIMEOUT.
    recovered_after: float | None


class Progress:
    """Counts the requests that have a result."""

    def __init__(self, outcomes: Outcomes, accepted: int) -> None:
        self._outcomes, self._began = outcomes, time.monotonic()
        self.accepted, self.count = accepted, 0

    @property
    def complete(self) -> bool:
        return self.count >= self.accepted

    @property
    def seconds(self) -> float:
        """Seconds since the campaign was submitted."""
        return time.monotonic() - self._began

    def wait(self, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
        """Count for that long, or until it is enough or the campaign is complete."""
        until = self.seconds + seconds
        while self.seconds < until and not enough() and not self.complete:
            self.count += len(self._outcomes.poll(0.1))


class Soak:
    """The workers, and the faults that strike them and their servers."""

    def __init__(self, stack: Stack, settings: Settings, chance: random.Random) -> None:
        self._stack, self._settings, self._chance = stack, settings, chance
        self.restarts: Counter[str] = Counter()  # of workers that ended by themselves
        for name in KINDS:
            self._start(name)

    def strike(self) -> str:
        """Draw a fault, begin it and end it. Returns its name."""
        faults: list[Callable[[], str]] = [
            self._kill_worker,
            self._kill_worker,
            self._stop_worker,
            self._freeze_worker,
            self._kill_broker,
            self._freeze_broker,
            self._stop_store,
            self._pause_campaign,
        ]
        return self._chance.choice(faults)()

    def restart_ended(self) -> None:
        """Start the workers again that ended by themselves, and count them."""
        for process in self._stack.status():
            if process.name in KINDS and not process.running:
                self.restarts[process.name] += 1
                self._start(process.name)

    def _kill_worker(self) -> str:
        name = self._chance.choice(list(KINDS))
        self._stack.kill(name)
        self._start(name)
        return f"{KINDS[name]} killed"

    def _stop_worker(self) -> str:
        name = self._chance.choice(list(KINDS))
        self._stack.stop([name])
        self._start(name)
        return f"{KINDS[name]} told to leave"

    def _freeze_worker(self) -> str:
        name = self._chance.choice(list(KINDS))
        self._freeze(name, self._chance.uniform(1.5 * SESSION_TIMEOUT, 3 * SESSION_TIMEOUT))
        return f"{KINDS[name]} stopped beyond its session"

    def _freeze_broker(self) -> str:
        self._freeze("kafka", self._chance.uniform(1, 15))
        return "broker frozen"

    def _pause_campaign(self) -> str:
        change_campaign(self._settings, CAMPAIGN, campaign_state.paused)
        _wait(self._chance.uniform(1, 10))
        change_campaign(self._settings, CAMPAIGN, campaign_state.resumed)
        return "campaign paused and resumed"

    def _kill_broker(self) -> str:
        self._stack.kill("kafka")
        _wait(self._chance.uniform(0, 10))
        self._stack.start_broker()
        return "broker killed"

    def _stop_store(self) -> str:
        self._stack.stop(["s3"])
        _wait(self._chance.uniform(1, 15))
        self._stack.start()
        return "object store stopped"

    def _freeze(self, name: str, seconds: float) -> None:
        pid = next(process.pid for process in self._stack.status() if process.name == name)
        process = psutil.Process(pid)
        process.send_signal(signal.SIGSTOP)
        _wait(seconds)
        process.send_signal(signal.SIGCONT)

    def _start(self, name: str) -> None:
        start_worker(self._stack, KINDS[name], name, ENV)


def main() -> None:
    arguments = _parser().parse_args()
    report = _run(arguments)
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    _print(report)
    sys.exit(0 if report["audit"]["ok"] and not report["losses"] else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument(
        "--minutes",
        type=float,
        default=10.0,
        help="draw faults for at most this long; the campaign is always waited for",
    )
    parser.add_argument(
        "--calm", type=float, default=8.0, help="seconds between two faults, on average"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--out", type=Path, default=REPORT)
    return parser


def _run(plan: argparse.Namespace) -> dict[str, Any]:
    chance = random.Random(plan.seed)
    print(f"seed {plan.seed}")
    with running_stack() as (stack, settings):
        soak = Soak(stack, settings, chance)
        file = stack.home / "soak.csv"
        write_list(file, plan.requests)
        began = time.monotonic()
        options = SubmitOptions(campaign=CAMPAIGN, id_column="id", profiles=("telephony",))
        accepted = submit_file(settings, file, options).accepted
        with Outcomes(settings, ids_reader(settings.s3), CAMPAIGN) as outcomes:
            progress = Progress(outcomes, accepted)
            faults = _run_faults(soak, progress, plan, chance)
        audited = audit(settings, CAMPAIGN, S3Store(settings.s3))
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "seed": plan.seed,
            "requests": accepted,
            "seconds": round(time.monotonic() - began, 1),
            "faults": [asdict(fault) for fault in faults],
            "workers_that_ended_by_themselves": dict(soak.restarts),
            "repeats": {topic.name: _repeats(settings, topic) for topic in (AUDIO, RESULTS)},
            "losses": accepted - progress.count,
            "audit": {"ok": audited.ok, "breaches": [str(breach) for breach in audited.breaches]},
        }


def _run_faults(
    soak: Soak, progress: Progress, plan: argparse.Namespace, chance: random.Random
) -> list[Fault]:
    """Draw faults for `plan.minutes`, and wait until the campaign is complete."""
    faults, seconds = list[Fault](), plan.minutes * 60
    while not progress.complete and progress.seconds < seconds:
        progress.wait(chance.expovariate(1 / plan.calm))
        at, name = progress.seconds, soak.strike()
        fault = Fault(name, round(at, 1), _recovery(soak, progress))
        faults.append(fault)
        print(f"{fault.at:>8.1f} s  {name}, recovered after {fault.recovered_after} s", flush=True)
    limit = seconds + progress.accepted  # a second per request: far slower than any machine
    while not progress.complete and progress.seconds < limit:
        soak.restart_ended()
        progress.wait(1.0)
    return faults


def _recovery(soak: Soak, progress: Progress) -> float | None:
    """Return the seconds until the next new result; None if there is none in time."""
    began, before = progress.seconds, progress.count
    while progress.seconds - began < RECOVERY_TIMEOUT:
        soak.restart_ended()
        progress.wait(1.0, lambda: progress.count > before)
        if progress.count > before or progress.complete:
            return round(progress.seconds - began, 1)
    return None


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def _repeats(settings: Settings, topic: Topic) -> int:
    with TopicReader(settings, settings.topic(topic)) as reader:
        keys = Counter(record.key for record in reader.to_end())
    return keys.total() - len(keys)


def _print(report: dict[str, Any]) -> None:
    print(
        f"\n{report['machine']}, seed {report['seed']}: "
        f"{report['requests']:,} requests in {report['seconds']:.0f} s\n"
    )
    print("| fault | times | recovered after, median / longest |")
    print("|---|---:|---:|")
    for name in sorted({fault["name"] for fault in report["faults"]}):
        times = [fault["recovered_after"] for fault in report["faults"] if fault["name"] == name]
        print(f"| {name} | {len(times)} | {_recovery_in_words(times)} |")
    print(f"\nlosses {report['losses']}, repeats {report['repeats']}, audit {report['audit']}")


def _recovery_in_words(times: list[float | None]) -> str:
    known = [seconds for seconds in times if seconds is not None]
    if len(known) < len(times):
        return f"not within {RECOVERY_TIMEOUT:g} s, {len(times) - len(known)} times"
    return f"{median(known):.1f} s / {max(known):.1f} s"


if __name__ == "__main__":
    main()
