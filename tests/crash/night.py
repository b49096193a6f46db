"""A night to break: a campaign, the workers that serve it, and what must hold at its end."""

import math
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from gpu_consumers import assignments
from producers import SubmitOptions, submit_requests
from schemas.messages import SpeechResult
from schemas.topics import AUDIO, REQUESTS, RESULTS, Topic
from seedcast.codec import decode_request, decode_result
from seedcast.errors import Retryable
from seedcast.kafka import Admin, Lag, Partition, Record, TopicReader, offset_bitmap
from seedcast.settings import Settings
from storage.audit import Report, audit
from storage.s3 import S3Store
from stream_apps.postprocess import faust_app
from tests.conftest import environment, eventually, stopped

ROOT = Path(__file__).parents[2]
CAMPAIGN = "night"
GROUPS = {"gpu-consumer": assignments.GROUP, "postprocess": faust_app.GROUP}
SOURCES = {"gpu-consumer": REQUESTS, "postprocess": AUDIO}
T = TypeVar("T")
COMMIT_INTERVAL = 0.2  # seconds: some commits fall into even a short campaign
BUFFER = 8  # requests of a partition
SESSION = 6.0  # seconds: short enough for a test to wait for its end, and longer than a busy machine stalls
GRACE = 60.0  # seconds from SIGTERM to the end: the drain, what is packed, and leaving, on a busy machine
OVERDUE = ("drain_incomplete", "stop_timed_out")  # what a worker says that leaves something behind


def impatient(settings: Settings, session: float = SESSION) -> Settings:
    """A session, a commit interval and time-outs of S3 short enough for a test to wait for their end, and a buffer so small that partitions are held back."""
    changes = {
        "kafka": settings.kafka.model_copy(update={"session_timeout": session}),
        "gpu": settings.gpu.model_copy(
            update={"commit_interval": COMMIT_INTERVAL, "buffer": BUFFER}
        ),
        "s3": settings.s3.model_copy(
            update={"connect_timeout": 1.0, "read_timeout": 1.0, "retries": 0}
        ),
    }
    return settings.model_copy(update=changes)


@dataclass(frozen=True, eq=False)
class Worker:
    kind: str  # as `seedcast run` names it
    process: subprocess.Popen[bytes]
    log: Path

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def says(self, text: str) -> None:
        eventually(lambda: text in self.said, what=f"{text!r} in the log of the {self.kind}")

    @property
    def said(self) -> str:
        """Its log so far; an error for people has several lines, so all white space is one space here."""
        return " ".join(self.log.read_text(errors="replace").split())

    def finishes(self) -> None:
        """SIGTERM: drained and out within the grace time."""
        self.send(signal.SIGTERM)
        assert self.process.wait(GRACE) == 0, self.said[-2000:]
        assert not any(word in self.said for word in OVERDUE), self.said[-2000:]


@dataclass(frozen=True)
class Recovery:
    fault: str
    seconds: float  # from the fault, or its end, until the group commits again


@dataclass(frozen=True)
class Mark:
    """A moment from which on work is done again: what had not been committed, and had left the stage by then."""

    kind: str
    done: dict[Partition, set[int]]  # what its group had committed
    at_ms: float  # since the epoch; infinite where what leaves later may come twice as well

    def allows(self, record: Record, left_ms: float) -> bool:
        """Whether it lets what was made of this record come once more."""
        return record.offset not in self.done.get(record.partition, ()) and left_ms <= self.at_ms


@dataclass
class Night:
    """`settings` are those of the workers; `seen` those of the test, which may reach the servers by another way.

    Threads may share it, but for `results` and what rests on them.
    """

    settings: Settings
    folder: Path
    seen: Settings
    campaigns: list[str] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)  # records beyond one a request, by topic
    _marks: list[Mark] = field(default_factory=list)
    _results: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _reader: TopicReader | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._admin = Admin(self.seen)

    def start(
        self,
        kind: str,
        settings: Settings | None = None,
        changes: tuple[str, ...] = (),
        before: Callable[[], None] | None = None,
        **env: str,
    ) -> Worker:
        """`changes`: of tests/crash/mutant. `before`: runs in the new process, before the worker."""
        log = self.folder / f"{kind}-{next(self._numbers)}.log"
        with log.open("wb") as output:
            entry = ["tests.crash.mutant", ",".join(changes)] if changes else ["seedcast.cli"]
            command = [sys.executable, "-m", *entry, "run", kind]
            variables = environment(settings or self.settings) | env
            process = subprocess.Popen(
                command, env=variables, stdout=output, stderr=output, cwd=ROOT, preexec_fn=before
            )
        worker = Worker(kind, process, log)
        self.workers.append(worker)
        return worker

    def gpu(self, *changes: str, **env: str) -> Worker:
        return self.start("gpu-consumer", changes=changes, **env)

    def post(self, *changes: str, **env: str) -> Worker:
        return self.start("postprocess", changes=changes, **env)

    def submit(
        self,
        count: int,
        first: int = 0,
        campaign: str = CAMPAIGN,
        profiles: tuple[str, ...] = ("telephony",),
    ) -> None:
        rows = [
            {"id": f"n-{n}", "text": f"Message number {n}, thank you.", "voice": str(n % 4)}
            for n in range(first, first + count)
        ]
        report = submit_requests(
            self.seen, rows, SubmitOptions(campaign=campaign, id_column="id", profiles=profiles)
        )
        assert report.accepted == count
        self.campaigns.append(campaign)

    def mark(self, *kinds: str, at_ms: float = math.inf) -> None:
        """Before a fault: of what a group has committed now, nothing may be done again."""
        for kind in kinds or GROUPS:
            self._marks.append(Mark(kind, self._committed(kind), at_ms))

    def unanswered(self, *kinds: str) -> None:
        """Where answers may get lost: Faust's producer, which is not idempotent, sends once more what the broker has already, beside what the peer repeats."""
        if "postprocess" in (kinds or GROUPS):
            self.mark("postprocess")

    def died(self, worker: Worker, code: int = -signal.SIGKILL, timeout: float = 180) -> None:
        """Of the dead, only what it had sent may come again: its producer stamps each record."""
        assert worker.process.wait(timeout) == code, worker.said[-2000:]
        self.mark(worker.kind, at_ms=1000 * time.time())

    def stops(self, worker: Worker) -> None:
        """Waits until it is stopped, which is as good as dead for its group."""
        stopped(worker.process)
        self.mark(worker.kind)
        self.unanswered(worker.kind)

    def kill(self, worker: Worker) -> None:
        worker.process.kill()
        self.died(worker)

    @property
    def results(self) -> dict[str, list[bytes]]:
        """Every record of the results topic so far, by request id."""
        self._reader = self._reader or TopicReader(self.seen, self.seen.topic(RESULTS))
        while found := self._reader.poll(0.05):
            for record in found:
                self._results[_key(record)].append(record.value)
        return self._results

    def reaches(self, count: int, timeout: float = 300) -> None:
        eventually(lambda: len(self.results) >= count, timeout, f"{count} results")

    @contextmanager
    def recovery(self, fault: str, kind: str = "gpu-consumer") -> Iterator[list[Worker]]:
        """Inside it, what mends the fault; at its end the group of that kind commits again, unless there is nothing left to, or an heir has died before."""
        began, self._admin = (
            time.monotonic(),
            Admin(self.seen),
        )  # an older client may be stuck with what is gone
        before, heirs = self.done(kind), list[Worker]()

        def commits() -> bool:
            return self.done(kind) > before or bool(before and not self.lag(kind))

        yield heirs
        eventually(
            lambda: commits() or any(heir.process.poll() is not None for heir in heirs),
            300,
            f"commits of the {kind} after: {fault}",
        )
        if commits():
            self.recoveries.append(Recovery(fault, time.monotonic() - began))

    def done(self, kind: str) -> int:
        """How many offsets its group has committed as done."""
        return sum(map(len, self._committed(kind).values()))

    def _committed(self, kind: str) -> dict[Partition, set[int]]:
        """What a new owner would skip: what lies below the offset, and what the ledger's bitmap beside it has."""
        found = self._ask(lambda admin: admin.committed(self.seen.group(GROUPS[kind])))
        return {
            partition: {
                *range(left.offset or 0),
                *offset_bitmap.decode(left.offset or 0, left.metadata),
            }
            for partition, left in found.items()
        }

    def comes_to(self, kind: str, count: int) -> None:
        eventually(
            lambda: self.done(kind) >= count, 300, f"{count} offsets committed by the {kind}"
        )

    def completes(self, count: int, timeout: float = 300) -> None:
        """Until each of `count` requests has a result and nothing is left to commit."""
        self.reaches(count, timeout)
        eventually(lambda: not self.lag(), timeout, "offsets committed to the end")

    def lag(self, *kinds: str) -> int:
        return sum(lag.records for kind in kinds or GROUPS for lag in self._lags(kind))

    def _lags(self, kind: str) -> list[Lag]:
        return self._ask(lambda admin: admin.lag(self.seen.group(GROUPS[kind])))

    def _ask(self, question: Callable[[Admin], T]) -> T:
        """A broker may be on its way back, and a client that has seen it go may get no answer any more."""
        for attempt in Retrying(
            retry=retry_if_exception_type(Retryable),
            stop=stop_after_delay(90),
            wait=wait_fixed(0.2),
            reraise=True,
        ):
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    self._admin = Admin(self.seen)
                return question(self._admin)
        raise AssertionError("unreachable: tenacity re-raises")

    def topic(self, topic: Topic) -> list[Record]:
        with TopicReader(self.seen, self.seen.topic(topic)) as reader:
            return list(reader.to_end())

    def holds(self, count: int) -> None:
        """Audited: one outcome each, objects as the manifests say, repeats equal byte for byte, and no more of them than was in flight or uncommitted."""
        for campaign in self.campaigns:
            self.audited(campaign)
        audio = self.topic(AUDIO)
        spoken = _by_key(audio)
        assert len(self.results) == len(spoken) == count
        for request_id, records in (*self.results.items(), *spoken.items()):
            assert len(set(records)) == 1, f"a repeat of {request_id} differs: {set(records)}"
        assert {result.status for result in self.outcomes()} == {"succeeded"}
        self._repeats_are_bounded("gpu-consumer", "spoken", audio)
        self._repeats_are_bounded("postprocess", "delivered", self.topic(RESULTS))
        self.repeats.update(audio=_beyond_one(spoken), results=_beyond_one(self.results))

    def audited(self, campaign: str = CAMPAIGN) -> Report:
        """Proven, and complete: no object is left of which a repeat's manifest has not come."""
        report = audit(self.seen, campaign, S3Store(self.seen.s3))
        assert report.ok, "\n".join(map(str, (*report.breaches, *report.unfinished)))
        orphans = [str(note) for note in report.notes if note.name == "orphan"]
        assert not orphans, orphans
        return report

    def outcomes(self) -> list[SpeechResult]:
        """The first result of each request."""
        return [decode_result(records[0]) for records in self.results.values()]

    def _repeats_are_bounded(self, kind: str, what: str, products: list[Record]) -> None:
        """Once for each record that came, and again for each mark that allows it."""
        left_ms: dict[str, float] = {}
        for product in products:
            left_ms[_key(product)] = min(product.timestamp_ms, left_ms.get(_key(product), math.inf))
        marks, bounds = [mark for mark in self._marks if mark.kind == kind], Counter[str]()
        for record in self.topic(SOURCES[kind]):
            request_id = _id(kind, record)
            bounds[request_id] += 1 + sum(
                mark.allows(record, left_ms[request_id]) for mark in marks
            )
        for request_id, times in Counter(map(_key, products)).items():
            assert times <= bounds[request_id], (
                f"{request_id} was {what} {times} times, expected at most {bounds[request_id]}"
            )

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
            print(f"--- {worker.log.name}\n{worker.said[-3000:]}")
        if self._reader:
            self._reader.__exit__()


def _key(record: Record) -> str:
    return (record.key or b"").decode()


def _id(kind: str, record: Record) -> str:
    return _key(record) if kind == "postprocess" else decode_request(record.value).request_id


def _by_key(records: list[Record]) -> dict[str, list[bytes]]:
    found = defaultdict(list)
    for record in records:
        found[_key(record)].append(record.value)
    return found


def _beyond_one(found: dict[str, list[bytes]]) -> int:
    return sum(len(records) - 1 for records in found.values())
