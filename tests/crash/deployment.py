"""A deployment to break: campaigns, the workers that serve them, and the invariants at the end."""

import math
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from seedcast.codec import decode_result
from seedcast.errors import Retryable
from seedcast.kafka import GroupOffsets, Lag, Partition, Record, TopicReader, offset_bitmap
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.schemas.messages import SpeechResult
from seedcast.schemas.topics import AUDIO, GPU_CONSUMERS, POSTPROCESS, REQUESTS, RESULTS, Topic
from seedcast.settings import Settings
from seedcast.storage.audit import Report, audit
from seedcast.storage.s3 import S3Store
from tests.builders import processes
from tests.builders.deployments import environment
from tests.builders.feeding import feed
from tests.builders.waiting import eventually, wait_until_stopped
from tests.crash import memberships
from tests.crash.repeats import (
    RepeatAllowance,
    assert_bounded,
    count_repeats,
    key_of,
    values_by_key,
)
from tests.crash.worker_process import Worker

ROOT = Path(__file__).parents[2]
CAMPAIGN = "night"
GROUPS = {"gpu-consumer": GPU_CONSUMERS.name, "postprocess": POSTPROCESS.name}
SOURCES = {"gpu-consumer": REQUESTS, "postprocess": AUDIO}
T = TypeVar("T")
COMMIT_INTERVAL = 0.2  # seconds: even a short campaign sees some commits
BUFFER = 8  # requests per partition
AUDITS = 4  # campaigns that are audited at once: an audit waits more than it computes
SESSION = 6.0  # seconds: a test can wait for its end, and a busy machine does not stall this long


def with_short_timeouts(settings: Settings, session: float = SESSION) -> Settings:
    """Return settings whose time-outs a test can wait for.

    The buffer is so small that partitions are throttled.
    """
    gpu = {"commit_interval": COMMIT_INTERVAL, "buffer": BUFFER}
    s3 = {"connect_timeout": 1.0, "read_timeout": 1.0, "retries": 0}
    changes = {
        "kafka": settings.kafka.model_copy(update={"session_timeout": session}),
        "gpu": settings.gpu.model_copy(update=gpu),
        "s3": settings.s3.model_copy(update=s3),
    }
    return settings.model_copy(update=changes)


@dataclass(frozen=True)
class Recovery:
    fault: str
    seconds: float  # from the fault, or its end, until the group commits again


@dataclass
class Deployment:
    """Workers under test, the campaigns submitted to them, and the repeats that faults allow.

    Threads may share it, except for `results` and what is derived from them.
    """

    settings: Settings  # of the workers
    folder: Path
    test_settings: Settings  # of the test, which may reach the servers without a proxy
    campaigns: list[str] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)  # records beyond one per request
    _allowances: list[RepeatAllowance] = field(default_factory=list)
    _results: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _reader: TopicReader | None = None
    _resources: ExitStack = field(default_factory=ExitStack)
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._offsets = GroupOffsets(self.test_settings)

    def start_worker(
        self,
        kind: str,
        settings: Settings | None = None,
        changes: tuple[str, ...] = (),
        preexec: Callable[[], None] | None = None,
        **env: str,
    ) -> Worker:
        """Start `seedcast run KIND` in the background.

        `changes` are those of tests/crash/mutant; `preexec` runs in the new process, before it.
        """
        log_file = self.folder / f"{kind}-{next(self._numbers)}.log"
        log_file.touch()  # it may be read before the new process opens it
        process = processes.start(
            [*([",".join(changes)] if changes else []), "run", kind],
            environment(settings or self.settings) | env,
            log_file,
            module="tests.crash.mutant" if changes else "seedcast.cli",
            folder=ROOT,
            preexec=preexec,
        )
        worker = Worker(kind, process, log_file)
        self.workers.append(worker)
        return worker

    def start_gpu_consumer(self, *changes: str, **env: str) -> Worker:
        return self.start_worker("gpu-consumer", changes=changes, **env)

    def start_postprocess(self, *changes: str, **env: str) -> Worker:
        return self.start_worker("postprocess", changes=changes, **env)

    def submit(
        self,
        count: int,
        first: int = 0,
        campaign: str = CAMPAIGN,
        profiles: tuple[str, ...] = ("wav",),
    ) -> None:
        """Stage a list and feed it: when this returns, its requests are on their topics."""
        rows = [
            {"id": f"n-{n}", "text": f"Message number {n}, thank you.", "voice": str(n % 4)}
            for n in range(first, first + count)
        ]
        options = SubmitOptions(campaign=campaign, id_column="id", profiles=profiles)
        report = submit_requests(self.test_settings, rows, options)
        assert report.accepted == count
        feed(self.test_settings)
        self.campaigns.append(campaign)

    def allow_repeats(self, *kinds: str, until_ms: float = math.inf) -> None:
        """Call it before a fault: what a group has not committed by now may be processed again."""
        for kind in kinds or GROUPS:
            self._allowances.append(RepeatAllowance(kind, self._committed(kind), until_ms))

    def allow_lost_answers(self, *kinds: str) -> None:
        """Allow one more send of what the broker has already stored, if its answers may get lost.

        Only Faust's producer does that: it is not idempotent. This comes on top of what a peer
        repeats.
        """
        if "postprocess" in (kinds or GROUPS):
            self.allow_repeats("postprocess")

    def wait_for_crash(
        self, worker: Worker, code: int = -signal.SIGKILL, timeout: float = 180
    ) -> None:
        """Wait for its exit code; only what it had sent by then may be sent again.

        The producer stamps each record, so later output shows.
        """
        assert worker.process.wait(timeout) == code, worker.log[-2000:]
        self.allow_repeats(worker.kind, until_ms=1000 * time.time())
        self._end_memberships(worker.kind)

    def _end_memberships(self, kind: str) -> None:
        """If all workers of this kind are dead, do at once what the end of their sessions does.

        A group that has a living member waits for the session: it is the broker's to notice.
        """
        ours = [worker for worker in self.workers if worker.kind == kind]
        if all(worker.process.poll() is not None for worker in ours):
            group = self.test_settings.group(GROUPS[kind])
            memberships.end_all(self.test_settings.kafka.bootstrap, group)

    def wait_until_stopped(self, worker: Worker) -> None:
        """Wait for its failpoint to stop it. For its group a stopped worker is as good as dead."""
        wait_until_stopped(worker.process)
        self.allow_repeats(worker.kind)
        self.allow_lost_answers(worker.kind)

    def kill(self, worker: Worker) -> None:
        worker.process.kill()
        self.wait_for_crash(worker)

    @property
    def results(self) -> dict[str, list[bytes]]:
        """Every record of the results topic so far, by request id."""
        if not self._reader:
            reader = TopicReader(self.test_settings, self.test_settings.topic(RESULTS))
            self._reader = self._resources.enter_context(reader)
        while records := self._reader.poll(0.05):
            for record in records:
                self._results[key_of(record)].append(record.value)
        return self._results

    def wait_for_results(self, count: int, timeout: float = 300) -> None:
        eventually(lambda: len(self.results) >= count, timeout, f"{count} results")

    @contextmanager
    def recovery(self, fault: str, kind: str = "gpu-consumer") -> Iterator[list[Worker]]:
        """Mend the fault inside; on exit, wait until the group of that kind commits again.

        It waits no longer if nothing is left to commit, or if a successor in the yielded list has
        died.
        """
        began = time.monotonic()
        # An older client may be stuck with a dead broker.
        self._offsets = GroupOffsets(self.test_settings)
        before, successors = self.offsets_done(kind), list[Worker]()

        def commits() -> bool:
            return self.offsets_done(kind) > before or bool(before and not self.lag(kind))

        def successor_died() -> bool:
            return any(worker.process.poll() is not None for worker in successors)

        yield successors
        what = f"commits of the {kind} after: {fault}"
        eventually(lambda: commits() or successor_died(), 300, what)
        if commits():
            self.recoveries.append(Recovery(fault, time.monotonic() - began))

    def offsets_done(self, kind: str) -> int:
        """Return the number of offsets that its group has committed as done."""
        return sum(map(len, self._committed(kind).values()))

    def _committed(self, kind: str) -> dict[Partition, set[int]]:
        """What a new owner would skip: all below the offset, and what the ledger's bitmap names."""
        group = self.test_settings.group(GROUPS[kind])
        committed = self._query(lambda offsets: offsets.committed(group))
        return {
            partition: {
                *range(each.offset or 0),
                *offset_bitmap.decode(each.offset or 0, each.metadata),
            }
            for partition, each in committed.items()
        }

    def wait_for_commits(self, kind: str, count: int) -> None:
        what = f"{count} offsets committed by the {kind}"
        eventually(lambda: self.offsets_done(kind) >= count, 300, what)

    def wait_for_completion(self, count: int, timeout: float = 300) -> None:
        """Wait until each of `count` requests has a result and nothing is left to commit."""
        self.wait_for_results(count, timeout)
        eventually(lambda: not self.lag(), timeout, "offsets committed to the end")

    def lag(self, *kinds: str) -> int:
        return sum(lag.records for kind in kinds or GROUPS for lag in self._lags(kind))

    def _lags(self, kind: str) -> list[Lag]:
        return self._query(lambda offsets: offsets.lag(self.test_settings.group(GROUPS[kind])))

    def _query(self, question: Callable[[GroupOffsets], T]) -> T:
        """Ask until the broker is back, each time with a new client.

        A client that has seen its broker go may never get an answer again.
        """
        for attempt in Retrying(
            retry=retry_if_exception_type(Retryable),
            stop=stop_after_delay(90),
            wait=wait_fixed(0.2),
            reraise=True,
        ):
            with attempt:
                if attempt.retry_state.attempt_number > 1:
                    self._offsets = GroupOffsets(self.test_settings)
                return question(self._offsets)
        raise AssertionError("unreachable: tenacity re-raises")

    def records(self, topic: Topic) -> list[Record]:
        with TopicReader(self.test_settings, self.test_settings.topic(topic)) as reader:
            return list(reader.to_end())

    def assert_invariants(self, count: int) -> None:
        """Assert that each of `count` requests ended once, as its manifest says.

        The audit passes, repeats are equal byte for byte, and there are no more of them than
        requests that were in flight or uncommitted at a fault.
        """
        with ThreadPoolExecutor(AUDITS) as audits:
            list(audits.map(self.assert_audit_passes, self.campaigns))
        audio_records = self.records(AUDIO)
        audio = values_by_key(audio_records)
        assert len(self.results) == len(audio) == count
        for request_id, values in (*self.results.items(), *audio.items()):
            assert len(set(values)) == 1, f"a repeat of {request_id} differs: {set(values)}"
        assert {result.status for result in self.first_results()} == {"succeeded"}
        self._assert_repeats_bounded("gpu-consumer", "spoken", audio_records)
        self._assert_repeats_bounded("postprocess", "delivered", self.records(RESULTS))
        self.repeats.update(audio=count_repeats(audio), results=count_repeats(self.results))

    def assert_audit_passes(self, campaign: str = CAMPAIGN) -> Report:
        """Assert that the campaign is proven, and that the manifest of each stored object came."""
        report = audit(self.test_settings, campaign, S3Store(self.test_settings.s3))
        assert report.ok, "\n".join(map(str, (*report.breaches, *report.unfinished)))
        orphans = [str(note) for note in report.notes if note.name == "orphan"]
        assert not orphans, orphans
        return report

    def first_results(self) -> list[SpeechResult]:
        """The first result of each request."""
        return [decode_result(values[0]) for values in self.results.values()]

    def _assert_repeats_bounded(self, kind: str, verb: str, outputs: list[Record]) -> None:
        sources = self.records(SOURCES[kind])
        assert_bounded(self._allowances, kind, verb, sources, outputs)

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
            print(f"--- {worker.log_file.name}\n{worker.log[-3000:]}")
        self._resources.close()
