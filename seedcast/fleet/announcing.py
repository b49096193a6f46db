"""Announces this process from a thread of its own, so that a long step is not taken for an end."""

import os
import re
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self

from msgspec.structs import replace

from seedcast.fleet.announcer import HEARTBEAT, LEAVE, PAUSE, Announcer
from seedcast.kafka import Producer
from seedcast.schemas.messages import Worker, WorkerKind
from seedcast.schemas.topics import WORKERS, ConsumerGroup
from seedcast.settings import Settings

JOIN = LEAVE + 1.0  # seconds; an outage must not hold up the end of the worker


class Announcing:
    """While the block runs, this process is a worker that others see.

    The thread reads what it announces; the worker's own loop does nothing for it.
    """

    def __init__(
        self,
        settings: Settings,
        kind: WorkerKind,
        group: ConsumerGroup | None,
        *,
        engine: str | None = None,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        """`group` is None for a kind that reads without one.

        Raises what any client of Kafka raises. Its topic must be there.
        """
        now = datetime.now(UTC)
        self._worker = Worker(
            worker_id=new_worker_id(),
            kind=kind,
            group=settings.group(group.name) if group else "",
            version=version("seedcast"),
            state="starting",
            started_at=now,
            heartbeat=now,
            engine=engine,
        )
        self._look: Callable[[], Mapping[str, Any]] = dict
        self._draining = False
        producer = Producer(settings, all_errors=False)  # others tell of an outage
        self._announcer = Announcer(producer, settings.topic(WORKERS), heartbeat=heartbeat)
        self._pause = min(PAUSE, heartbeat)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._announce, name="announcing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(JOIN)

    def update(self, **changes: object) -> None:
        """Change fields of the worker; what is not given stays."""
        self._worker = replace(self._worker, **changes)

    def watch(self, look: Callable[[], Mapping[str, Any]]) -> None:
        """From now on, ask `look` about once a second for fields that change by themselves.

        The thread calls it: it must be quick and safe beside the worker's own thread.
        """
        self._look = look

    def drain(self) -> None:
        """From now on, the worker's state is "draining", whatever else is said. For signals."""
        self._draining = True

    def _current(self) -> Worker:
        worker = replace(self._worker, **self._look())
        return replace(worker, state="draining") if self._draining else worker

    def _announce(self) -> None:
        while not self._stop.is_set():
            self._announcer.turn(self._current())
            self._stop.wait(self._pause)
        self._announcer.leave(self._worker.worker_id)


def new_worker_id() -> str:
    """Return an id for this process. People read host and pid; the rest makes it unique.

    Containers often share the pid 1, and sometimes the name of a host.
    """
    host = re.sub(r"[^A-Za-z0-9._-]", "_", socket.gethostname())[:200]
    return f"{host}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
