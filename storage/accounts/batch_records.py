"""A batch of speeches, its terms, what is wrong with it, and its files."""

from datetime import datetime
from typing import Literal

import msgspec

BatchStatus = Literal[
    "validating",
    "failed",
    "in_progress",
    "finalizing",
    "completed",
    "expired",
    "cancelling",
    "cancelled",
]


def bad_lines_file(batch_id: str) -> str:
    """Return the id of the file that nobody sees: lines that have ended before they were a request.

    They are in the form that the error file has, and wait for it.
    """
    return f"{batch_id}_bad_lines"


class BatchTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What it was made with."""

    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None
    output_seconds: int | None = None  # how long its files live; None: as long as files do


class LineError(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with an input file, or with one line of it."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    batch_id: str
    tenant: str
    key_id: str
    terms: BatchTerms
    input_file_id: str
    status: BatchStatus
    errors: tuple[LineError, ...] | None = None
    total: int | None = None  # lines; None: they are not counted yet
    accepted: int | None = None  # of them, those that its campaign has
    completed: int = 0
    failed: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    owner: str | None = None
    created_at: datetime
    expires_at: datetime
    in_progress_at: datetime | None = None
    finalizing_at: datetime | None = None
    cancelling_at: datetime | None = None
    ended_at: datetime | None = None


class OutputFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a batch, whose object is stored."""

    file_id: str
    filename: str
    bytes: int
    sha256: str
    expires_at: datetime
