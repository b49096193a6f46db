"""The state of a stack, kept in `stack.json` in its home, which only its owner can read."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from seedcast.errors import LocalResource

HOST = "127.0.0.1"


class ProcessRecord(msgspec.Struct, frozen=True):
    """A process that was started.

    Its id may belong to another process by now; the start time tells them apart.
    """

    pid: int
    created: float  # start time, in seconds since the epoch, as psutil gives it
    port: int | None = None
    arguments: tuple[str, ...] = ()  # of `seedcast`, if it is a worker
    settings: dict[str, str] = {}  # what it was started with, as `worker_settings` describes it


class State(msgspec.Struct, frozen=True, kw_only=True):
    broker_port: int = 0
    controller_port: int = 0
    s3_port: int = 0
    access_key: str = msgspec.field(default_factory=lambda: secrets.token_hex(10))
    secret_key: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(30))
    processes: dict[str, ProcessRecord] = {}  # by name


def read(home: Path) -> State | None:
    """Returns the state, or None if no stack was ever started. Raises LocalResource."""
    file = home / "stack.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LocalResource(
            str(file),
            expected="the file that `seedcast up` wrote",
            got=str(error),
            remedy="remove that file; it contains no data",
        ) from error


def write(home: Path, state: State) -> None:
    """Replaces the file atomically, so that a crash leaves the old file or the new one."""
    new = home / "stack.json.new"
    new.touch(mode=0o600)
    new.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
    os.replace(new, home / "stack.json")


@contextmanager
def lock_home(home: Path) -> Iterator[None]:
    """Waits for the lock of `home` and keeps it, so that one process at a time changes a stack.

    The lock is released when the process ends, too. Raises LocalResource.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise LocalResource(
            f"folder {home}",
            expected="a folder that can be written to",
            got=str(error),
            remedy="set SEEDCAST_HOME to another folder",
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
