"""Named points in the code where a test can kill, hang or stop the process.

`SEEDCAST_FAILPOINT=NAME:N[:kill|hang|stop]` acts when the process reaches the point NAME for the
N-th time; the default action is kill. This is for tests: in production the variable is unset, and
nothing happens.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count

from seedcast.errors import InvalidSettings

VARIABLE = "SEEDCAST_FAILPOINT"

EDGES = {
    "gpu.assigned": "partitions are assigned; nothing was read from them yet",
    "gpu.polled": "a request was read; it is not queued for a slot yet",
    "gpu.synthesised": "a waveform is synthesised; it is not sent yet",
    "gpu.sent": "audio is with the producer; no delivery report came yet",
    "gpu.acknowledged": "the broker has the audio; the ledger does not have it as done yet",
    "gpu.commit": "the ledger has the request as done; its offset is not committed yet",
    "gpu.committed": "the offset is committed; the worker has not recorded that yet",
    "gpu.revoked": "partitions are being revoked; nothing was committed for that yet",
    "postprocess.rendered": "a record is rendered; nothing is stored yet",
    "postprocess.stored": "the objects of a record are stored; its manifest is not sent yet",
    "postprocess.sent": "a manifest is with the producer; it is not acknowledged yet",
    "postprocess.acknowledged": "a manifest is on results; an urgent one is not on "
    "results.urgent yet, and the offset is not committed",
    "submit.taken": "rows are checked; they are not stored yet",
    "submit.part": "a part is written in memory; it is not stored yet",
    "submit.stored": "a part is stored; the list is not whole yet",
    "submit.committing": "the list is stored; its campaign does not exist yet",
    "submit.committed": "the campaign exists; its staging is still marked as begun",
    "feeder.read": "a row is read from a list; it is not sent yet",
    "feeder.sent": "rows are with the producer; no delivery report came yet",
    "feeder.acknowledged": "a row is on the requests topics; the cursor does not say so yet",
    "feeder.checkpointed": "the cursors are written",
    "fetch.written": "an audio is in a file, which does not have its name yet",
    "indexer.loaded": "the rows of a list are in the index",
    "indexer.read": "results are read; the index does not have them yet",
    "indexer.stored": "the index has the results, and knows so; the group does not yet",
    "indexer.output": "one of the objects that say how a list has ended is stored",
    "indexer.outputs": "all of them are stored; the campaign's record does not name them yet",
    "indexer.completed": "the record names them; the index does not say so yet",
    "webhooks.written": "events and their deliveries are in the outbox; nobody has been called",
    "webhooks.taken": "a delivery is leased; its endpoint has not been called yet",
    "webhooks.answered": "an endpoint has answered; the outbox does not say so yet",
    "batch.finishing": "the files of a batch are stored; nobody sees them, and it has not ended",
}


@dataclass(frozen=True)
class ArmedFailpoint:
    name: str
    passage: int  # the passage that triggers the action; the first is 1
    action: Callable[[], object]
    passages: Iterator[int] = field(default_factory=lambda: count(1))


def failpoint(name: str) -> None:
    """Marks a point where a crash is worth a test. `name` is one of EDGES."""
    armed = _from_environment()
    if armed and armed.name == name and next(armed.passages) == armed.passage:
        armed.action()


def parse(value: str) -> ArmedFailpoint | None:
    """Parses the value of the variable; None if it is empty. Raises InvalidSettings."""
    if not value:
        return None
    name, _, rest = value.partition(":")
    passage, _, action = rest.partition(":")
    action = action or "kill"
    if name not in EDGES:
        raise InvalidSettings(
            f"{VARIABLE} names an unknown failpoint",
            expected=f"one of {', '.join(EDGES)}",
            got=name,
        )
    if not _is_positive(passage) or action not in _ACTIONS:
        raise InvalidSettings(
            f"{VARIABLE} cannot be parsed",
            expected=f"NAME:N or NAME:N:ACTION, N from 1, ACTION one of {', '.join(_ACTIONS)}",
            got=value,
        )
    return ArmedFailpoint(name, int(passage), _ACTIONS[action])


def _is_positive(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and int(digits) > 0


def _hang() -> None:
    threading.Event().wait()


_ACTIONS: dict[str, Callable[[], object]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": _hang,
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}


@cache
def _from_environment() -> ArmedFailpoint | None:
    return parse(os.environ.get(VARIABLE, ""))
