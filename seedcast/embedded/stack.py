"""The stack as a whole: a broker, an S3 endpoint and Seedcast's own workers, in the background."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

from seedcast.embedded import broker, object_server, processes
from seedcast.embedded.connection import connected
from seedcast.embedded.processes import Process
from seedcast.embedded.stack_state import (
    HOST,
    ProcessRecord,
    State,
    lock_home,
    read,
    write,
)
from seedcast.embedded.worker_settings import described, differences
from seedcast.errors import InvalidInput, LocalResource, SeedcastError, Unreachable
from seedcast.kafka import Admin
from seedcast.settings import Settings

Progress = Callable[[str], None]

BROKER, S3 = "kafka", "s3"
START_TIMEOUT = 60.0  # seconds; a broker that recovers a large log after a crash needs them
WORKER_GRACE = 40.0  # seconds; more than a GPU consumer's drain
SERVER_GRACE = 20.0  # seconds
ATTEMPTS = 3  # a port that was free may be taken a moment later


class Stack:
    """The background processes of one home.

    They survive the process that started them, and any crash. A later process with the same home
    finds them.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()

    def start(self, progress: Progress = lambda _: None) -> None:
        """Starts the servers that do not run; returns when both answer. Raises Fatal errors."""
        with lock_home(self.home):
            self._end_unrecorded()
            self._start_s3(progress)
            self._start_broker(progress)

    def start_broker(self) -> None:
        with lock_home(self.home):
            self._start_broker(lambda _: None)

    def stop_broker(self) -> None:
        self.stop([BROKER])

    def refuse_other_workers(self, settings: Settings) -> None:
        """Raises InvalidInput if a worker runs that was started with other settings.

        Also if it is not among those that are to be started: it would take a part of the work.
        """
        for name, record in self._state().processes.items():
            if record.settings and processes.find(record):
                wanted = described(settings, record.arguments[1])
                if different := list(differences(wanted, record.settings)):
                    raise _runs_already(name, *map(", ".join, zip(*different, strict=True)))

    def start_worker(
        self,
        name: str,
        arguments: Sequence[str],
        env: Mapping[str, str] | None = None,
        settings: Settings | None = None,
    ) -> Process:
        """Runs `seedcast ARGUMENTS` in the background, connected to this stack.

        `settings` are those that it will read, for `refuse_other_workers`. If a process of that
        name runs already, it is kept. Raises InvalidInput if that one was started with other
        arguments.
        """
        with lock_home(self.home):
            record = self._state().processes.get(name)
            if record is None or not processes.find(record):
                command = [sys.executable, "-m", "seedcast.cli", *arguments]
                environment = {**os.environ, "SEEDCAST_HOME": str(self.home), **(env or {})}
                known = described(settings, arguments[1]) if settings else {}
                self._launch(name, command, environment, None, arguments, known)
            elif record.arguments and record.arguments != tuple(arguments):
                commands = (f"`seedcast {' '.join(a)}`" for a in (arguments, record.arguments))
                raise _runs_already(name, *commands)
        return next(process for process in self.status() if process.name == name)

    def stop(self, names: Iterable[str] | None = None) -> None:
        """Ends the named processes, or all: workers first, then S3, then the broker.

        Returns when none of them runs.
        """
        with lock_home(self.home):
            records = self._state().processes
            chosen = set(records if names is None else names)
            self._end(chosen - {S3, BROKER}, WORKER_GRACE)
            self._end(chosen & {S3}, SERVER_GRACE)
            self._end(chosen & {BROKER}, SERVER_GRACE)
            if names is None:
                processes.end(processes.find_marked(self.home), SERVER_GRACE)
            remaining = {name: record for name, record in records.items() if name not in chosen}
            self._save(processes=remaining)

    def kill(self, name: str) -> None:
        """Sends SIGKILL, as a crash would, and keeps the record. For tests and drills."""
        if process := self._find(name):
            processes.kill([process])

    def status(self) -> list[Process]:
        """Returns every process that was started and not stopped, running or not."""
        return [
            Process(
                name=name,
                pid=record.pid,
                running=processes.find(record) is not None,
                port=record.port,
                log=self.log(name),
                created=record.created,
            )
            for name, record in self._state().processes.items()
        ]

    def _start_s3(self, progress: Progress) -> None:
        def launch() -> psutil.Process:
            [port] = processes.free_ports(self._state().s3_port)
            state = self._save(s3_port=port)
            command = object_server.argv(self.home, state)
            return self._launch(S3, command, object_server.environment(state), port)

        self._serve(S3, launch, lambda state: object_server.answers(state.s3_port), progress)

    def _start_broker(self, progress: Progress) -> None:
        def launch() -> psutil.Process:
            earlier = self._state()
            ports = processes.free_ports(earlier.broker_port, earlier.controller_port)
            state = self._save(broker_port=ports[0], controller_port=ports[1])
            command = broker.argv(self.home, state, progress)
            return self._launch(BROKER, command, os.environ, state.broker_port)

        self._serve(BROKER, launch, lambda _: self._broker_answers(), progress)

    def _serve(
        self,
        name: str,
        launch: Callable[[], psutil.Process],
        answers: Callable[[State], bool],
        progress: Progress,
    ) -> None:
        """Returns when the server answers; launches it first if it does not run.

        Launches it again if it ended because another process had taken its port meanwhile.
        """
        process = self._find(name)
        for attempt in range(1, ATTEMPTS + 1):
            if process is None:
                progress(f"starting {name}")
                process = launch()
            if self._wait_for_answer(name, process, answers):
                progress(f"{name} answers on {HOST}:{self._state().processes[name].port}")
                return
            processes.end([process], SERVER_GRACE)
            process = None
            if attempt == ATTEMPTS or not self._port_was_taken(name):
                raise LocalResource(
                    f"{name} ended while it started",
                    got=processes.tail(self.log(name)) or "nothing in its log",
                    remedy=f"see {self.log(name)}",
                )

    def _wait_for_answer(
        self, name: str, process: psutil.Process, answers: Callable[[State], bool]
    ) -> bool:
        """Returns True when the server answers, and False if it ends before that.

        Raises Unreachable after START_TIMEOUT.
        """
        deadline = time.monotonic() + START_TIMEOUT
        state = self._state()
        record = state.processes[name]
        while processes.find(record):
            if processes.is_listening(process, record.port or 0) and answers(state):
                return True
            if time.monotonic() > deadline:
                processes.end([process], SERVER_GRACE)
                raise Unreachable(
                    f"{name} does not answer",
                    expected=f"an answer within {START_TIMEOUT:g} s",
                    got=processes.tail(self.log(name)),
                    remedy=f"see {self.log(name)}",
                )
            time.sleep(0.05)
        return False

    def _broker_answers(self) -> bool:
        """Returns True if the broker at our port has the cluster id of our data."""
        settings = connected(Settings.model_construct(home=self.home))
        kafka = settings.kafka.model_copy(update={"start_timeout": 2.0})
        admin_settings = settings.model_copy(update={"kafka": kafka})
        try:
            return Admin(admin_settings).cluster_id() == broker.cluster_id(self.home)
        except SeedcastError:
            return False

    def _port_was_taken(self, name: str) -> bool:
        state = self._state()
        wanted = [state.s3_port] if name == S3 else [state.broker_port, state.controller_port]
        return processes.free_ports(*wanted) != wanted

    def _launch(
        self,
        name: str,
        argv: Sequence[str | Path],
        env: Mapping[str, str],
        port: int | None,
        arguments: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> psutil.Process:
        process = processes.spawn(argv, env, self.log(name), self.home)
        started = process.create_time()
        record = ProcessRecord(process.pid, started, port, tuple(arguments), dict(settings or {}))
        self._save(processes={**self._state().processes, name: record})
        return process

    def _find(self, name: str) -> psutil.Process | None:
        return processes.find(self._state().processes.get(name))

    def _end(self, names: Iterable[str], grace: float) -> None:
        """Ends the processes together, so that each has the whole grace period."""
        processes.end(filter(None, map(self._find, names)), grace)

    def _end_unrecorded(self) -> None:
        """Ends the processes that a crash left without a record.

        A second broker would refuse to start on the same data.
        """
        recorded = filter(None, map(processes.find, self._state().processes.values()))
        known = {member.pid for process in recorded for member in processes.family(process)}
        unrecorded = [p for p in processes.find_marked(self.home) if p.pid not in known]
        processes.end(unrecorded, SERVER_GRACE)

    def _state(self) -> State:
        return read(self.home) or State()

    def _save(self, **changes: object) -> State:
        state = msgspec.structs.replace(self._state(), **changes)
        write(self.home, state)
        return state

    def log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"


def _runs_already(name: str, expected: str, got: str) -> InvalidInput:
    return InvalidInput(
        f"{name} runs already",
        expected=expected,
        got=got,
        remedy="stop it with `seedcast down` first",
    )
