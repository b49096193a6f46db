"""The answer to "where is it?". Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

State = Literal[
    "rejected",  # the row was not accepted
    "staged",  # in the list, and not fed yet
    "waiting",  # on the requests topic, with others before it
    "in_work",  # a GPU consumer is at it, as far as the offsets tell
    "spoken",  # its waveform waits for post-processing
    "delivered",
    "failed",
    "expired",
    "cancelled",
    "unknown",
]


@dataclass(frozen=True)
class Step:
    """What is known of one step of its way."""

    what: str
    at: datetime | None = None  # by the clock of who wrote it
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Where:
    campaign_id: str
    state: State
    why: str  # in words; never the text
    request_id: str | None = None
    row: int | None = None
    own_id: str | None = None
    steps: tuple[Step, ...] = ()
