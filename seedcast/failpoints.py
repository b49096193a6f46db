"""Named edges at which a test ends, hangs or stops the process that passes them: crashes as test input.

`SEEDCAST_FAILPOINT=NAME:N[:kill|hang|stop]` does that at the N-th passage; without an action it kills. A test instrument:
unset, as in production, nothing happens.
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
    "gpu.assigned": "partitions are ours, and nothing was read from them",
    "gpu.polled": "a request was read, and waits for no slot yet",
    "gpu.synthesised": "a waveform is made, and not sent",
    "gpu.sent": "audio is handed to the producer, without a delivery report",
    "gpu.acknowledged": "the broker has the audio, and the ledger does not know",
    "gpu.commit": "the ledger knows, and the group's offset does not",
    "gpu.committed": "the offset is committed, and the worker does not know",
    "gpu.revoked": "partitions are being taken, and nothing was committed for that",
    "gpu.parked": "a paused request lies on the parking topic, and its offset is not done",
    "gpu.put_back": "a parked request is back on its lane, and its parked offset is not done",
    "postprocess.rendered": "a record is rendered, and nothing is stored",
    "postprocess.stored": "its objects are stored, and no manifest is sent",
    "postprocess.sent": "its manifest is handed to the producer, without an acknowledgement",
    "postprocess.acknowledged": "its manifest is acknowledged, and the offset is not",
    "submit.intended": "the journal has the intent, and nothing is sent",
    "submit.sent": "a batch is handed to the producer, without delivery reports",
    "submit.noting": "delivery reports may have come, and the journal does not know",
    "submit.sealing": "all is acknowledged, and the campaign is open",
}


@dataclass(frozen=True)
class Armed:
    name: str
    passage: int  # the first is 1
    act: Callable[[], object]
    passages: Iterator[int] = field(default_factory=lambda: count(1))


def failpoint(name: str) -> None:
    """Where a crash is worth a test. `name` is one of EDGES."""
    armed = _armed()
    if armed and armed.name == name and next(armed.passages) == armed.passage:
        armed.act()


def parse(value: str) -> Armed | None:
    """What the variable asks for; None where it is empty. Raises InvalidSettings."""
    if not value:
        return None
    name, _, rest = value.partition(":")
    passage, _, act = rest.partition(":")
    if name not in EDGES:
        raise InvalidSettings(
            f"{VARIABLE} names an edge that there is not",
            expected=f"one of {', '.join(EDGES)}",
            got=name,
        )
    if (
        not (passage.isascii() and passage.isdigit() and int(passage))
        or (act or "kill") not in _ACTS
    ):
        raise InvalidSettings(
            f"{VARIABLE} is wrong",
            expected=f"NAME:N, N from 1, and perhaps one of {', '.join(_ACTS)} behind it",
            got=value,
        )
    return Armed(name, int(passage), _ACTS[act or "kill"])


def _hang() -> None:
    threading.Event().wait()


_ACTS: dict[str, Callable[[], object]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": _hang,
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}


@cache
def _armed() -> Armed | None:
    return parse(os.environ.get(VARIABLE, ""))
