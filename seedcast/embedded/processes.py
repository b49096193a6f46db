"""Background processes: started in a session of their own, found again, and ended for certain."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from seedcast.embedded.stack_state import HOST, Recorded

# Every process of a stack, and whatever it starts, carries the stack's home in its environment: one
# whose record was lost in a crash is found by it. The underscore keeps it apart from the settings.
MARKER = "_SEEDCAST_STACK"


@dataclass(frozen=True)
class Process:
    """One process of a stack, as `seedcast status` shows it."""

    name: str
    pid: int
    running: bool
    port: int | None
    log: Path
    created: float  # seconds since 1970

    def last_lines(self, count: int = 12) -> str:
        return tail(self.log, count)


def spawn(
    argv: Sequence[str | Path], env: Mapping[str, str], log: Path, home: Path
) -> psutil.Process:
    """Starts it in a new session, so that Ctrl-C in a terminal reaches only who started it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            [str(part) for part in argv],
            env={**env, MARKER: str(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[child.pid] = child
    return psutil.Process(child.pid)


def find(recorded: Recorded | None) -> psutil.Process | None:
    """The process, if it still runs and is the one that was recorded."""
    if recorded is None:
        return None
    try:
        process = psutil.Process(recorded.pid)
        return process if process.create_time() == recorded.created and runs(process) else None
    except psutil.NoSuchProcess:
        return None


def runs(process: psutil.Process) -> bool:
    """One that ended stays in the process table until its parent, or in a container perhaps nobody, takes its exit code."""
    try:
        running = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        running = False
    if not running and (child := _children.pop(process.pid, None)):
        child.wait()
    return running


def marked(home: Path) -> Iterator[psutil.Process]:
    """Every running process that belongs to the stack of this home, recorded or not."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARKER) == str(home):
                yield process


def family(process: psutil.Process) -> list[psutil.Process]:
    """The process and all that descend from it."""
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def end(processes: Iterable[psutil.Process], grace: float) -> None:
    """SIGTERM to all, SIGKILL after `grace` seconds to what is left; returns when none runs."""
    kill(_signal(list(processes), signal.SIGTERM, grace))


def kill(processes: Iterable[psutil.Process]) -> None:
    _signal(list(processes), signal.SIGKILL, patience=10)


def listens(process: psutil.Process, port: int) -> bool:
    """Whether it is this very process that listens there, and not somebody else's."""
    with suppress(psutil.Error):
        return any(
            c.status == psutil.CONN_LISTEN and c.laddr.port == port
            for c in process.net_connections("tcp")
        )
    return False


def free_ports(*preferred: int) -> list[int]:
    """As many as are asked for, all different: each the preferred one (0: any) where nobody has it, else any."""
    with ExitStack() as held:
        return [_bind(held.enter_context(socket.socket()), port) for port in preferred]


def tail(log: Path, count: int = 12) -> str:
    """The last lines of a log, without reading all of it, and without the frames of Java's stack traces."""
    with suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16384))
        lines = file.read().decode(errors="replace").splitlines()
        return "\n".join([line for line in lines if not line.startswith("\tat ")][-count:])
    return ""


_children: dict[int, subprocess.Popen[bytes]] = {}


def _bind(probe: socket.socket, preferred: int) -> int:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, preferred))
    except OSError:
        probe.bind((HOST, 0))
    return int(probe.getsockname()[1])


def _signal(
    processes: list[psutil.Process], number: signal.Signals, patience: float
) -> list[psutil.Process]:
    """Returns those that still run after `patience` seconds."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    deadline = time.monotonic() + patience
    while (
        left := [process for process in processes if runs(process)]
    ) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
