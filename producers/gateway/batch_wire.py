"""What clients of batches send and get, in OpenAI's form."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from seedcast.storage.accounts.batch_records import Batch, BatchStatus, LineError

Endpoint = Literal["/v1/audio/speech"]
_DURATION = r"^([0-9]{1,4}[dhms]){1,4}$(?!\n)"


class OutputExpiry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    anchor: Literal["created_at"]
    seconds: Annotated[int, Meta(ge=3600, le=2_592_000)]


class BatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    input_file_id: Annotated[str, Meta(description="a file with the purpose `batch`")]
    endpoint: Endpoint
    completion_window: Annotated[
        str, Meta(pattern=_DURATION, description="24h, or another duration up to 30d")
    ]
    metadata: (
        Annotated[
            dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]],
            Meta(max_length=16),
        ]
        | None
    ) = None
    output_expires_after: OutputExpiry | None = None


class RequestCounts(Struct, frozen=True, kw_only=True):
    """What expired or was cancelled is in neither of the two."""

    total: int
    completed: int
    failed: int


class BatchErrors(Struct, frozen=True, kw_only=True):
    data: tuple[LineError, ...]
    object: Literal["list"] = "list"


class BatchView(Struct, frozen=True, kw_only=True):
    """A batch, in OpenAI's form. Times are Unix time in seconds."""

    id: str
    endpoint: str
    input_file_id: str
    completion_window: str
    status: BatchStatus
    created_at: int
    expires_at: int
    request_counts: RequestCounts
    object: Literal["batch"] = "batch"
    model: str = "seedcast"
    errors: BatchErrors | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    in_progress_at: int | None = None
    finalizing_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    cancelling_at: int | None = None
    cancelled_at: int | None = None
    metadata: dict[str, str] | None = None


class BatchList(Struct, frozen=True, kw_only=True):
    data: tuple[BatchView, ...]
    has_more: bool
    first_id: str | None = None
    last_id: str | None = None
    object: Literal["list"] = "list"


def view(batch: Batch) -> BatchView:
    shown = BatchView(
        id=batch.batch_id,
        endpoint=batch.terms.endpoint,
        input_file_id=batch.input_file_id,
        completion_window=batch.terms.completion_window,
        status=batch.status,
        created_at=int(batch.created_at.timestamp()),
        expires_at=int(batch.expires_at.timestamp()),
        request_counts=RequestCounts(
            total=batch.total or 0, completed=batch.completed, failed=batch.failed
        ),
        errors=BatchErrors(data=batch.errors) if batch.errors else None,
        output_file_id=batch.output_file_id,
        error_file_id=batch.error_file_id,
        in_progress_at=_seconds(batch.in_progress_at),
        finalizing_at=_seconds(batch.finalizing_at),
        cancelling_at=_seconds(batch.cancelling_at),
        metadata=batch.terms.metadata,
    )
    if batch.ended_at is None:
        return shown
    return msgspec.structs.replace(shown, **{f"{batch.status}_at": _seconds(batch.ended_at)})


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
