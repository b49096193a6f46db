"""A night with faults: `python -m benchmarks.soak [--requests 20000] [--minutes 10] [--calm 8] [--seed N]`.

Two GPU consumers (espeak) and two post-process workers on an embedded stack of their own. While a campaign runs, one fault after
another is drawn: a worker killed with -9, told to leave, or stopped beyond its session, the broker killed or frozen, the object store
stopped, the campaign paused and resumed. What ends is started again, as Kubernetes would. At the end the audit says whether every
request ended once, and so does the exit code. The report goes to benchmarks/results/soak.json, or where --out says.
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

from benchmarks.night.deployments import running_stack
from benchmarks.pipeline import machine, write_list
from producers import SubmitOptions, submit_file
from schemas.topics import AUDIO, RESULTS, Topic
from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import alter
from seedcast.campaigns.progress import Outcomes
from seedcast.embedded import Stack, connected
from seedcast.kafka import TopicReader
from seedcast.settings import Settings
from storage.audit import audit
from storage.s3 import S3Store

REPORT = Path(__file__).parent / "results" / "soak.json"
CAMPAIGN = "soak"
WORKERS = {
    f"{kind}-{number}": kind for kind in ("gpu-consumer", "postprocess") for number in (1, 2)
}
SESSION = 6.0  # seconds
PATIENCE = 120.0  # seconds for a fault to be recovered from


@dataclass(frozen=True)
class Fault:
    name: str
    at: float  # seconds since the campaign began
    recovered_after: (
        float | None
    )  # seconds from the fault's end to the next new result; None: not within PATIENCE


class Progress:
    """How many requests have a result."""

    def __init__(self, outcomes: Outcomes, accepted: int) -> None:
        self._outcomes, self._began, self.accepted, self.count = (
            outcomes,
            time.monotonic(),
            accepted,
            0,
        )

    @property
    def complete(self) -> bool:
        return self.count >= self.accepted

    @property
    def seconds(self) -> float:
        """Since the campaign was submitted."""
        return time.monotonic() - self._began

    def wait(self, seconds: float, enough: Callable[[], bool]) -> None:
        """Counts for so long, or until it is enough, or complete."""
        until = self.seconds + seconds
        while self.seconds < until and not enough() and not self.complete:
            self.count += len(self._outcomes.poll(0.1))


class Soak:
    def __init__(self, stack: Stack, settings: Settings, chance: random.Random) -> None:
        self._stack, self._settings, self._chance = stack, settings, chance
        self.restarts: Counter[str] = Counter()  # of workers that ended by themselves
        for name in WORKERS:
            self._start(name)

    def fault(self) -> str:
        """One of them, begun and ended; its name."""
        kinds: list[Callable[[], str]] = [
            self._kill,
            self._kill,
            self._leave,
            self._freeze,
            self._broker,
            self._broker_frozen,
            self._store,
            self._hold,
        ]
        return self._chance.choice(kinds)()

    def tend(self) -> None:
        for process in self._stack.status():
            if process.name in WORKERS and not process.running:
                self.restarts[process.name] += 1
                self._start(process.name)

    def _kill(self) -> str:
        name = self._chance.choice(list(WORKERS))
        self._stack.kill(name)
        self._start(name)
        return f"{WORKERS[name]} killed"

    def _leave(self) -> str:
        name = self._chance.choice(list(WORKERS))
        self._stack.stop([name])
        self._start(name)
        return f"{WORKERS[name]} told to leave"

    def _freeze(self) -> str:
        name = self._chance.choice(list(WORKERS))
        self._suspend(name, self._chance.uniform(1.5 * SESSION, 3 * SESSION))
        return f"{WORKERS[name]} stopped beyond its session"

    def _broker_frozen(self) -> str:
        self._suspend("kafka", self._chance.uniform(1, 15))
        return "broker frozen"

    def _hold(self) -> str:
        alter(self._settings, CAMPAIGN, campaign_state.paused)
        _last(self._chance.uniform(1, 10))
        alter(self._settings, CAMPAIGN, campaign_state.resumed)
        return "campaign paused and resumed"

    def _suspend(self, name: str, seconds: float) -> None:
        process = psutil.Process(
            next(process.pid for process in self._stack.status() if process.name == name)
        )
        process.send_signal(signal.SIGSTOP)
        _last(seconds)
        process.send_signal(signal.SIGCONT)

    def _broker(self) -> str:
        self._stack.kill("kafka")
        _last(self._chance.uniform(0, 10))
        self._stack.start_broker()
        return "broker killed"

    def _store(self) -> str:
        self._stack.stop(["s3"])
        _last(self._chance.uniform(1, 15))
        self._stack.start()
        return "object store stopped"

    def _start(self, name: str) -> None:
        env = {
            "SEEDCAST_KAFKA_SESSION_TIMEOUT": str(SESSION),
            "SEEDCAST_LOG_LEVEL": "warning",
            "SEEDCAST_S3_READ_TIMEOUT": "2",
        }
        self._stack.start_worker(name, ["run", WORKERS[name]], env)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument(
        "--minutes",
        type=float,
        default=10.0,
        help="faults are drawn for at most so long; the campaign is always waited for",
    )
    parser.add_argument(
        "--calm", type=float, default=8.0, help="seconds between two faults, on average"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--out", type=Path, default=REPORT)
    arguments = parser.parse_args()
    report = _run(arguments)
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    _print(report)
    sys.exit(0 if report["audit"]["ok"] and not report["losses"] else 1)


def _run(plan: argparse.Namespace) -> dict[str, Any]:
    chance = random.Random(plan.seed)
    print(f"seed {plan.seed}")
    with running_stack() as stack:
        settings = connected(Settings(home=stack.home))
        soak = Soak(stack, settings, chance)
        write_list(stack.home / "soak.csv", plan.requests)
        began = time.monotonic()
        accepted = submit_file(
            settings,
            stack.home / "soak.csv",
            SubmitOptions(campaign=CAMPAIGN, id_column="id", profiles=("telephony",)),
        ).accepted
        with Outcomes(settings, CAMPAIGN) as outcomes:
            progress = Progress(outcomes, accepted)
            faults = _storm(soak, progress, plan, chance)
        found = audit(settings, CAMPAIGN, S3Store(settings.s3))
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
            "audit": {"ok": found.ok, "breaches": [str(breach) for breach in found.breaches]},
        }


def _storm(
    soak: Soak, progress: Progress, plan: argparse.Namespace, chance: random.Random
) -> list[Fault]:
    """Until the campaign is complete; faults until then, or for `plan.minutes`."""
    faults, seconds = list[Fault](), plan.minutes * 60
    while not progress.complete and progress.seconds < seconds:
        progress.wait(chance.expovariate(1 / plan.calm), lambda: False)
        at, name = progress.seconds, soak.fault()
        faults.append(Fault(name, round(at, 1), _recovery(soak, progress)))
        print(
            f"{faults[-1].at:>8.1f} s  {name}, recovered after {faults[-1].recovered_after} s",
            flush=True,
        )
    while (
        not progress.complete and progress.seconds < seconds + progress.accepted
    ):  # a second for each: far slower than any machine
        soak.tend()
        progress.wait(1.0, lambda: False)
    return faults


def _recovery(soak: Soak, progress: Progress) -> float | None:
    began, before = progress.seconds, progress.count
    while progress.seconds - began < PATIENCE:
        soak.tend()
        progress.wait(1.0, lambda: progress.count > before)
        if progress.count > before or progress.complete:
            return round(progress.seconds - began, 1)
    return None


def _last(seconds: float) -> None:
    """The length of a fault."""
    threading.Event().wait(seconds)


def _repeats(settings: Settings, topic: Topic) -> int:
    with TopicReader(settings, settings.topic(topic)) as reader:
        keys = Counter(record.key for record in reader.to_end())
    return keys.total() - len(keys)


def _print(report: dict[str, Any]) -> None:
    print(
        f"\n{report['machine']}, seed {report['seed']}: {report['requests']:,} requests in {report['seconds']:.0f} s\n"
    )
    print("| fault | times | recovered after, median / longest |")
    print("|---|---:|---:|")
    for name in sorted({fault["name"] for fault in report["faults"]}):
        times = [fault["recovered_after"] for fault in report["faults"] if fault["name"] == name]
        known = [seconds for seconds in times if seconds is not None]
        shown = (
            f"{median(known):.1f} s / {max(known):.1f} s"
            if len(known) == len(times)
            else f"not within {PATIENCE:g} s, {len(times) - len(known)} times"
        )
        print(f"| {name} | {len(times)} | {shown} |")
    print(f"\nlosses {report['losses']}, repeats {report['repeats']}, audit {report['audit']}")


if __name__ == "__main__":
    main()
