"""A night to break: a campaign, the workers that serve it, and what must hold at its end."""

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
from seedcast import offsets
from seedcast.codec import decode_request, decode_result
from seedcast.errors import Retryable
from seedcast.kafka import Admin, Lag, Partition, Record, TopicReader
from seedcast.settings import Settings
from storage.audit import audit
from storage.s3 import S3Store
from stream_apps import configuration
from tests.conftest import environment, eventually, stopped

ROOT = Path(__file__).parents[2]
CAMPAIGN = "night"
GROUPS = {"gpu-consumer": assignments.GROUP, "postprocess": configuration.GROUP}
SOURCES = {"gpu-consumer": REQUESTS, "postprocess": AUDIO}
T = TypeVar("T")
COMMIT_INTERVAL = 0.2  # seconds: some commits fall into even a short campaign
BUFFER = 8  # requests of a partition
SESSION = 6.0  # seconds: short enough for a test to wait for its end, and longer than a busy machine stalls


def impatient(settings: Settings, session: float = SESSION) -> Settings:
    """A session, a commit interval and time-outs of S3 short enough for a test to wait for their end, and a buffer so small that partitions are held back."""
    changes = {
        "kafka": settings.kafka.model_copy(update={"session_timeout": session}),
        "gpu": settings.gpu.model_copy(update={"commit_interval": COMMIT_INTERVAL, "buffer": BUFFER}),
        "s3": settings.s3.model_copy(update={"connect_timeout": 1.0, "read_timeout": 1.0, "retries": 0}),
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
        assert self.process.wait(timeout=120) == 0, self.said[-2000:]


@dataclass(frozen=True)
class Recovery:
    fault: str
    seconds: float  # from the fault, or its end, until the group commits again


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
    _marks: list[tuple[str, dict[Partition, set[int]]]] = field(default_factory=list)  # kind, and what its group had committed as done
    _results: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _reader: TopicReader | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._admin = Admin(self.seen)

    def start(self, kind: str, settings: Settings | None = None, changes: tuple[str, ...] = (), before: Callable[[], None] | None = None, **env: str) -> Worker:
        """`changes`: of tests/crash/mutant. `before`: runs in the new process, before the worker."""
        log = self.folder / f"{kind}-{next(self._numbers)}.log"
        with log.open("wb") as output:
            entry = ["tests.crash.mutant", ",".join(changes)] if changes else ["seedcast.cli"]
            command = [sys.executable, "-m", *entry, "run", kind]
            variables = environment(settings or self.settings) | env
            process = subprocess.Popen(command, env=variables, stdout=output, stderr=output, cwd=ROOT, preexec_fn=before)
        worker = Worker(kind, process, log)
        self.workers.append(worker)
        return worker

    def gpu(self, *changes: str, **env: str) -> Worker:
        return self.start("gpu-consumer", changes=changes, **env)

    def post(self, *changes: str, **env: str) -> Worker:
        return self.start("postprocess", changes=changes, **env)

    def submit(self, count: int, first: int = 0, campaign: str = CAMPAIGN, profiles: tuple[str, ...] = ("telephony",)) -> None:
        rows = [{"id": f"n-{n}", "text": f"Message number {n}, thank you.", "voice": str(n % 4)} for n in range(first, first + count)]
        report = submit_requests(self.seen, rows, SubmitOptions(campaign=campaign, id_column="id", profiles=profiles))
        assert report.accepted == count
        self.campaigns.append(campaign)

    def mark(self, *kinds: str) -> None:
        """Before a fault, or after a death: of what a group has committed now, nothing may be done again."""
        for kind in kinds or GROUPS:
            self._marks.append((kind, self._committed(kind)))

    def unanswered(self, *kinds: str) -> None:
        """Where answers may get lost: Faust's producer, which is not idempotent, sends once more what the broker has already, beside what the peer repeats."""
        if "postprocess" in (kinds or GROUPS):
            self.mark("postprocess")

    def died(self, worker: Worker, code: int = -signal.SIGKILL, timeout: float = 180) -> None:
        assert worker.process.wait(timeout) == code, worker.said[-2000:]
        self.mark(worker.kind)

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
                self._results[(record.key or b"").decode()].append(record.value)
        return self._results

    def reaches(self, count: int, timeout: float = 300) -> None:
        eventually(lambda: len(self.results) >= count, timeout, f"{count} results")

    @contextmanager
    def recovery(self, fault: str, kind: str = "gpu-consumer") -> Iterator[None]:
        """Inside it, what mends the fault; at its end the group of that kind commits again, unless there is nothing left to."""
        began, self._admin = time.monotonic(), Admin(self.seen)  # an older client may be stuck with what is gone
        before = self.done(kind)
        yield
        eventually(lambda: self.done(kind) > before or (before and not self.lag(kind)), 300, f"commits of the {kind} after: {fault}")
        self.recoveries.append(Recovery(fault, time.monotonic() - began))

    def done(self, kind: str) -> int:
        """How many offsets its group has committed as done."""
        return sum(map(len, self._committed(kind).values()))

    def _committed(self, kind: str) -> dict[Partition, set[int]]:
        """What a new owner would skip: what lies below the offset, and what the ledger's bitmap beside it has."""
        found = self._ask(lambda admin: admin.committed(self.seen.group(GROUPS[kind])))
        return {partition: {*range(left.offset or 0), *offsets.decode(left.offset or 0, left.metadata)} for partition, left in found.items()}

    def comes_to(self, kind: str, count: int) -> None:
        eventually(lambda: self.done(kind) >= count, 300, f"{count} offsets committed by the {kind}")

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
        for attempt in Retrying(retry=retry_if_exception_type(Retryable), stop=stop_after_delay(90), wait=wait_fixed(0.2), reraise=True):
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
        self._passes_the_audit()
        audio = _by_key(self.topic(AUDIO))
        assert len(self.results) == len(audio) == count
        for request_id, records in (*self.results.items(), *audio.items()):
            assert len(set(records)) == 1, f"a repeat of {request_id} differs: {set(records)}"
        assert {result.status for result in self.outcomes()} == {"succeeded"}
        self._repeats_are_bounded(audio)
        self.repeats.update(audio=sum(len(r) - 1 for r in audio.values()), results=sum(len(r) - 1 for r in self.results.values()))

    def _passes_the_audit(self) -> None:
        for campaign in self.campaigns:
            report = audit(self.seen, campaign, S3Store(self.seen.s3))
            assert report.ok, "\n".join(map(str, report.breaches))

    def outcomes(self) -> list[SpeechResult]:
        """The first result of each request."""
        return [decode_result(records[0]) for records in self.results.values()]

    def _repeats_are_bounded(self, audio: dict[str, list[bytes]]) -> None:
        spoken, delivered = self._bounds("gpu-consumer"), self._bounds("postprocess")
        for request_id, records in self.results.items():
            assert len(audio[request_id]) <= spoken[request_id], (
                f"{request_id} was spoken {len(audio[request_id])} times, expected at most {spoken[request_id]}"
            )
            assert len(records) <= delivered[request_id], f"{request_id} was delivered {len(records)} times, expected at most {delivered[request_id]}"

    def _bounds(self, kind: str) -> Counter[str]:
        """How often each request may have left a stage: once for each record that came, and again for each mark at which that was not committed."""
        marks = [done for marked, done in self._marks if marked == kind]
        bounds: Counter[str] = Counter()
        for record in self.topic(SOURCES[kind]):
            bounds[_id(kind, record)] += 1 + sum(record.offset not in done.get(record.partition, ()) for done in marks)
        return bounds

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
            print(f"--- {worker.log.name}\n{worker.said[-3000:]}")
        if self._reader:
            self._reader.__exit__()


def _id(kind: str, record: Record) -> str:
    return (record.key or b"").decode() if kind == "postprocess" else decode_request(record.value).request_id


def _by_key(records: list[Record]) -> dict[str, list[bytes]]:
    found = defaultdict(list)
    for record in records:
        found[(record.key or b"").decode()].append(record.value)
    return found
