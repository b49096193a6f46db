"""The stack as a whole: a broker, an S3 endpoint, and workers of Seedcast's own, all in the background."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

from seedcast.embedded import broker, object_server, processes
from seedcast.embedded.processes import Process
from seedcast.embedded.stack_state import HOST, Recorded, State, connected, locked, read, write
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
    """Survives the process that started it, and any crash: whoever comes next with the same home finds what runs."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()

    def start(self, progress: Progress = lambda _: None) -> None:
        """Starts what does not run and returns when both servers answer. Raises Fatal errors."""
        with locked(self.home):
            self._sweep()
            self._start_s3(progress)
            self._start_broker(progress)

    def start_broker(self) -> None:
        with locked(self.home):
            self._start_broker(lambda _: None)

    def stop_broker(self) -> None:
        self.stop([BROKER])

    def start_worker(
        self, name: str, arguments: Sequence[str], env: Mapping[str, str] | None = None
    ) -> Process:
        """Runs `seedcast ARGUMENTS` in the background, connected to this stack; one that runs by that name is kept.

        Raises InvalidInput where that one was started with others.
        """
        with locked(self.home):
            recorded = self._state().processes.get(name)
            if recorded is None or not processes.find(recorded):
                environment = {**os.environ, "SEEDCAST_HOME": str(self.home), **(env or {})}
                self._launch(
                    name,
                    [sys.executable, "-m", "seedcast.cli", *arguments],
                    environment,
                    None,
                    arguments,
                )
            elif recorded.arguments and recorded.arguments != tuple(arguments):
                raise InvalidInput(
                    f"{name} runs already",
                    expected=f"`seedcast {' '.join(arguments)}`",
                    got=f"`seedcast {' '.join(recorded.arguments)}`",
                    remedy="stop it with `seedcast down` first",
                )
        return next(process for process in self.status() if process.name == name)

    def stop(self, names: Iterable[str] | None = None) -> None:
        """Ends all, or the named: workers first, then S3, then the broker. Nothing of what was named runs afterwards."""
        with locked(self.home):
            state = self._state()
            chosen = set(state.processes if names is None else names)
            for group, grace in (
                (chosen - {S3, BROKER}, WORKER_GRACE),
                (chosen & {S3}, SERVER_GRACE),
                (chosen & {BROKER}, SERVER_GRACE),
            ):
                processes.end(
                    filter(None, (processes.find(state.processes.get(name)) for name in group)),
                    grace,
                )
            if names is None:
                processes.end(processes.marked(self.home), SERVER_GRACE)
            self._save(
                processes={
                    name: recorded
                    for name, recorded in state.processes.items()
                    if name not in chosen
                }
            )

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash would; its record stays. For tests and drills."""
        if process := processes.find(self._state().processes.get(name)):
            processes.kill([process])

    def status(self) -> list[Process]:
        """What was started and not stopped, running or not."""
        return [
            Process(
                name,
                recorded.pid,
                processes.find(recorded) is not None,
                recorded.port,
                self._log(name),
                recorded.created,
            )
            for name, recorded in self._state().processes.items()
        ]

    def _start_s3(self, progress: Progress) -> None:
        def launch() -> psutil.Process:
            [port] = processes.free_ports(self._state().s3_port)
            state = self._save(s3_port=port)
            return self._launch(
                S3,
                object_server.argv(self.home, state),
                object_server.environment(state),
                state.s3_port,
            )

        self._serve(S3, launch, lambda state: object_server.answers(state.s3_port), progress)

    def _start_broker(self, progress: Progress) -> None:
        def launch() -> psutil.Process:
            if broker.cluster_id(self.home) is None:
                progress("preparing kafka; its jars (43 MB) are fetched once")
            before = self._state()
            listener, controller = processes.free_ports(before.broker_port, before.controller_port)
            state = self._save(broker_port=listener, controller_port=controller)
            return self._launch(
                BROKER, broker.argv(self.home, state), os.environ, state.broker_port
            )

        self._serve(BROKER, launch, lambda _: self._broker_answers(), progress)

    def _serve(
        self,
        name: str,
        launch: Callable[[], psutil.Process],
        answers: Callable[[State], bool],
        progress: Progress,
    ) -> None:
        process = processes.find(self._state().processes.get(name))
        for attempt in range(1, ATTEMPTS + 1):
            if process is None:
                progress(f"starting {name}")
                process = launch()
            if self._await(name, process, answers):
                progress(f"{name} answers on {HOST}:{self._state().processes[name].port}")
                return
            processes.end([process], SERVER_GRACE)
            process = None
            if attempt == ATTEMPTS or not self._port_lost(name):
                raise LocalResource(
                    f"{name} ended while it started",
                    got=processes.tail(self._log(name)) or "nothing in its log",
                    remedy=f"see {self._log(name)}",
                )

    def _await(self, name: str, process: psutil.Process, answers: Callable[[State], bool]) -> bool:
        """Whether it came to answer; False when it ended."""
        patience = time.monotonic() + START_TIMEOUT
        state = self._state()
        recorded = state.processes[name]
        while processes.find(recorded):
            if processes.listens(process, recorded.port or 0) and answers(state):
                return True
            if time.monotonic() > patience:
                processes.end([process], SERVER_GRACE)
                raise Unreachable(
                    f"{name} does not answer",
                    expected=f"an answer within {START_TIMEOUT:g} s",
                    got=processes.tail(self._log(name)),
                )
            time.sleep(0.05)
        return False

    def _broker_answers(self) -> bool:
        """Whether the broker at our port is ours: its cluster id is that of our data."""
        settings = connected(Settings.model_construct(home=self.home))
        settings = settings.model_copy(
            update={"kafka": settings.kafka.model_copy(update={"start_timeout": 2.0})}
        )
        try:
            return Admin(settings).cluster_id() == broker.cluster_id(self.home)
        except SeedcastError:
            return False

    def _port_lost(self, name: str) -> bool:
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
    ) -> psutil.Process:
        process = processes.spawn(argv, env, self._log(name), self.home)
        recorded = Recorded(process.pid, process.create_time(), port, tuple(arguments))
        self._save(processes={**self._state().processes, name: recorded})
        return process

    def _sweep(self) -> None:
        """Ends what a crash left without a record: a second broker on the same data would refuse to start."""
        recorded = [
            process for process in map(processes.find, self._state().processes.values()) if process
        ]
        known = {member.pid for process in recorded for member in processes.family(process)}
        processes.end(
            [process for process in processes.marked(self.home) if process.pid not in known],
            SERVER_GRACE,
        )

    def _state(self) -> State:
        return read(self.home) or State()

    def _save(self, **changes: object) -> State:
        state = msgspec.structs.replace(self._state(), **changes)
        write(self.home, state)
        return state

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"
