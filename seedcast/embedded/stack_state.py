"""What is known about a stack between two runs: `stack.json` in its home, readable by its owner alone."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from pydantic import SecretStr

from seedcast.errors import InvalidSettings, LocalResource
from seedcast.settings import Settings

HOST = "127.0.0.1"


class Recorded(msgspec.Struct, frozen=True):
    """A process that was started. A process id alone may be somebody else's by now: the start time tells."""

    pid: int
    created: float  # seconds since the epoch, as psutil gives it
    port: int | None = None
    arguments: tuple[str, ...] = ()  # of a worker


class State(msgspec.Struct, frozen=True, kw_only=True):
    broker_port: int = 0
    controller_port: int = 0
    s3_port: int = 0
    access_key: str = msgspec.field(default_factory=lambda: secrets.token_hex(10))
    secret_key: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(30))
    processes: dict[str, Recorded] = {}


def read(home: Path) -> State | None:
    """None where no stack was ever started. Raises LocalResource."""
    file = home / "stack.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=State)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LocalResource(
            str(file),
            expected="what `seedcast up` wrote",
            got=str(error),
            remedy="remove that file; data is kept elsewhere",
        ) from error


def write(home: Path, state: State) -> None:
    """Replaces the file in one step, so that a crash leaves the old or the new one."""
    new = home / "stack.json.new"
    new.touch(mode=0o600)
    new.write_bytes(msgspec.json.format(msgspec.json.encode(state)))
    os.replace(new, home / "stack.json")


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One process at a time changes a stack; the lock goes with its process. Raises LocalResource."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise LocalResource(
            f"folder {home}",
            expected="one that can be written",
            got=str(error),
            remedy="set SEEDCAST_HOME to another",
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_embedded(settings: Settings) -> bool:
    """Whether the object store of connected settings is that of this home's stack. Raises LocalResource."""
    state = read(settings.home)
    return state is not None and settings.s3.endpoint == _endpoint(state)


def is_embedded_broker(settings: Settings) -> bool:
    """Whether the brokers of connected settings are that of this home's stack. Raises LocalResource."""
    state = read(settings.home)
    return state is not None and settings.kafka.bootstrap == _bootstrap(state)


def connected(settings: Settings) -> Settings:
    """Fills in the embedded stack where no brokers, or no S3 endpoint, are set. Raises InvalidSettings where there are no brokers.

    Without an S3 endpoint a command that needs only Kafka goes on; `S3Store` refuses it.
    """
    if settings.kafka.bootstrap and settings.s3.endpoint:
        return settings
    state = read(settings.home)
    kafka, s3 = settings.kafka, settings.s3
    if not kafka.bootstrap:
        if not state or not state.broker_port:
            raise InvalidSettings(
                "no brokers are configured",
                remedy="set SEEDCAST_KAFKA_BOOTSTRAP, or start the embedded stack with `seedcast up`",
            )
        kafka = kafka.model_copy(update={"bootstrap": _bootstrap(state)})
    if not s3.endpoint and state and state.s3_port:
        keys = {"access_key": state.access_key, "secret_key": SecretStr(state.secret_key)}
        s3 = s3.model_copy(update={"endpoint": _endpoint(state), **keys})
    return settings.model_copy(update={"kafka": kafka, "s3": s3})


def _bootstrap(state: State) -> str:
    return f"{HOST}:{state.broker_port}"


def _endpoint(state: State) -> str:
    return f"http://{HOST}:{state.s3_port}"
