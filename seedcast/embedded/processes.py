"""Background processes: start them in their own session, find them again, and end them reliably."""

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

from seedcast.embedded.stack_state import HOST, ProcessRecord
from seedcast.private_files import create, make_folder

# Every process of a stack, and every process that it starts, has the stack's home in its
# environment. A process whose record was lost in a crash is found by that. The leading underscore
# keeps the variable apart from the settings.
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
    """Starts a process in a new session, so that Ctrl-C in the terminal does not reach it."""
    make_folder(log.parent)
    with create(log, "ab") as output:
        child = subprocess.Popen(
            [str(part) for part in argv],
            env={**env, MARKER: str(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,  # what it writes is its owner's alone
        )
    _children[child.pid] = child
    return psutil.Process(child.pid)


def find(record: ProcessRecord | None) -> psutil.Process | None:
    """Returns the process if it still runs and is the one that was recorded, else None."""
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        is_same = process.create_time() == record.created
        return process if is_same and is_running(process) else None
    except psutil.NoSuchProcess:
        return None


def is_running(process: psutil.Process) -> bool:
    """Returns True if the process runs, and False if it is gone or a zombie.

    A process that ended stays in the process table until its parent reads its exit code. In a
    container, PID 1 may never do so. This function reaps the process if it is its own child.
    """
    try:
        running = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        running = False
    if not running and (child := _children.pop(process.pid, None)):
        child.wait()
    return running


def find_marked(home: Path) -> Iterator[psutil.Process]:
    """Yields every running process that belongs to the stack of `home`, recorded or not."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARKER) == str(home):
                yield process


def family(process: psutil.Process) -> list[psutil.Process]:
    """Returns the process and all its descendants; [] if it is gone."""
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def end(processes: Iterable[psutil.Process], grace: float) -> None:
    """Sends SIGTERM to all, and SIGKILL to those that still run after `grace` seconds.

    Returns when none runs.
    """
    kill(_signal_and_wait(list(processes), signal.SIGTERM, grace))


def kill(processes: Iterable[psutil.Process]) -> None:
    _signal_and_wait(list(processes), signal.SIGKILL, timeout=10)


def is_listening(process: psutil.Process, port: int) -> bool:
    """Returns True if this very process listens on the port, and not another one."""
    with suppress(psutil.Error):
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for connection in process.net_connections("tcp")
        )
    return False


def listening(pid: int) -> list[tuple[str, int]]:
    """Returns the addresses at which the process listens; [] if it is gone."""
    with suppress(psutil.Error):
        connections = psutil.Process(pid).net_connections("tcp")
        listeners = (each for each in connections if each.status == psutil.CONN_LISTEN)
        return [(each.laddr.ip, each.laddr.port) for each in listeners]
    return []


def running_homes() -> list[str]:
    """Returns the homes of all stacks of this user that have a running process."""
    homes = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            homes.add(process.environ().get(MARKER, ""))
    return sorted(homes - {""})


def free_ports(*preferred: int) -> list[int]:
    """Returns one free port per preferred port (0: any), all different.

    Each is the preferred port if that is free, else any free one.
    """
    with ExitStack() as sockets:  # all stay open until the end, so that no port comes twice
        return [_bind(sockets.enter_context(socket.socket()), port) for port in preferred]


def tail(log: Path, count: int = 12) -> str:
    """Returns the last lines of a log, without the frames of Java's stack traces.

    It reads only the end of the file.
    """
    with suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16384))
        lines = file.read().decode(errors="replace").splitlines()
        return "\n".join([line for line in lines if not line.startswith("\tat ")][-count:])
    return ""


_children: dict[int, subprocess.Popen[bytes]] = {}


def _bind(unbound: socket.socket, preferred: int) -> int:
    unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        unbound.bind((HOST, preferred))
    except OSError:
        unbound.bind((HOST, 0))
    return int(unbound.getsockname()[1])


def _signal_and_wait(
    processes: list[psutil.Process], number: signal.Signals, timeout: float
) -> list[psutil.Process]:
    """Sends the signal to all; returns those that still run after `timeout` seconds."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    deadline = time.monotonic() + timeout
    while (running := list(filter(is_running, processes))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return running
