"""The output file and the error file of a batch: made once it has ended, from the results index.

They hold addresses in the store, not links: a link expires, so it is signed when a file is read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from seedcast.producers.gateway.batch_output import error_line, problem_line, spoken_line
from seedcast.producers.gateway.problems import LATE, Problem
from seedcast.producers.gateway.pulled_body import Counted
from seedcast.producers.gateway.speech import failed, media_type
from seedcast.producers.gateway.uploads import CONTENT_TYPE
from seedcast.schemas.messages import SpeechResult, Status
from seedcast.storage.accounts.batch_records import Batch, OutputFile, bad_lines_file
from seedcast.storage.accounts.files import Files
from seedcast.storage.export.lines import own_id
from seedcast.storage.index.indexed import IndexedCampaign, IndexedRequest
from seedcast.storage.index.reader import Index
from seedcast.storage.objects import ObjectStore
from seedcast.storage.uploaded_files import content_key

_UNBOUNDED = 2**62  # bytes: files of batches count against a key's quota, and are never refused
_UNSPOKEN: tuple[Status, ...] = ("failed", "expired", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A batch of which every request has ended. `campaign`: None if no line was accepted."""

    batch: Batch
    campaign: IndexedCampaign | None

    @property
    def spoken(self) -> int:
        return self.campaign.progress.succeeded if self.campaign else 0

    @property
    def rejected(self) -> int:
        """Lines that the campaign does not have."""
        return (self.batch.total or 0) - (self.batch.accepted or 0)

    @property
    def unspoken(self) -> int:
        in_campaign = self.campaign.progress.finished - self.spoken if self.campaign else 0
        return self.rejected + in_campaign


@dataclass
class Made:
    output: OutputFile | None = None
    error: OutputFile | None = None
    has_expired: bool = False  # a line was not spoken before the completion window closed


class BatchFiles:
    """Methods block, and raise our errors."""

    def __init__(self, files: Files, store: ObjectStore, lifetime: timedelta) -> None:
        self._files, self._store, self._lifetime = files, store, lifetime

    def make(self, index: Index, ended: Ended) -> Made:
        """Store the output file and the error file, each if it has a line. Nobody sees them yet."""
        made = Made()
        if ended.spoken:
            made.output = self._stored(ended.batch, "output", _output_lines(index, ended))
        if ended.unspoken:
            made.error = self._stored(ended.batch, "error", self._error_lines(index, ended, made))
        return made

    def _error_lines(self, index: Index, ended: Ended, made: Made) -> Iterator[bytes]:
        if ended.rejected:
            made.has_expired = ended.rejected > ended.batch.failed
            yield from self._store.pieces(
                self._store.uri(content_key(bad_lines_file(ended.batch.batch_id)))
            )
        for request in _requests(index, ended, _UNSPOKEN):
            made.has_expired |= _outlived(request, ended.batch.expires_at)
            yield line_of(request, ended.batch.expires_at)

    def _stored(self, batch: Batch, kind: str, lines: Iterable[bytes]) -> OutputFile:
        """Its row comes first, so that what a crash leaves is swept."""
        file_id, now = f"file-{token_hex(16)}", datetime.now(UTC)
        own = file_id, batch.tenant, batch.key_id
        self._files.reserve(*own, _UNBOUNDED, 0, 0, now)
        stream = Counted(lines, _UNBOUNDED)
        self._store.put_stream(content_key(file_id), stream, CONTENT_TYPE)
        seconds = batch.terms.output_seconds
        return OutputFile(
            file_id=file_id,
            filename=f"{batch.batch_id}_{kind}.jsonl",
            bytes=stream.size,
            sha256=stream.sha256,
            expires_at=now + (timedelta(seconds=seconds) if seconds else self._lifetime),
        )


def _output_lines(index: Index, ended: Ended) -> Iterator[bytes]:
    for request in _requests(index, ended, ("succeeded",)):
        yield line_of(request, ended.batch.expires_at)


def _requests(index: Index, ended: Ended, statuses: tuple[Status, ...]) -> Iterator[IndexedRequest]:
    if ended.campaign is not None:
        yield from index.rows(ended.campaign.campaign_id, statuses=statuses)


def line_of(request: IndexedRequest, window_end: datetime) -> bytes:
    """Return the line of a request that has ended.

    One that was late before the window's end had a deadline of its own, and has failed.
    """
    result = request.result
    names = own_id(request, result) or "", request.request_id
    if result is None or result.status == "cancelled":
        return error_line(*names, "batch_cancelled")
    if result.status == "succeeded":
        return spoken_line(*names, _body(result))
    if result.status == "failed":
        return problem_line(*names, failed(result))
    if _outlived(request, window_end):
        return error_line(*names, "batch_expired")
    return problem_line(*names, Problem(504, "deadline", LATE))


def _outlived(request: IndexedRequest, window_end: datetime) -> bool:
    is_late = request.ended_at is None or request.ended_at >= window_end
    return request.status == "expired" and is_late


def _body(result: SpeechResult) -> dict[str, Any]:
    """Return where the audio is, and what proves it."""
    rendition, receipt = result.renditions[0], result.receipt
    body: dict[str, Any] = {
        "audio_url": rendition.uri,
        "content_type": media_type(rendition.format),
        "profile": rendition.profile,
        "format": rendition.format,
        "sample_rate": rendition.sample_rate,
        "duration": rendition.duration,
        "bytes": rendition.bytes,
        "sha256": rendition.sha256,
        "request_id": result.request_id,
        "campaign_id": result.campaign_id,
    }
    if receipt is None:
        return body
    return body | {
        "voice_seed": receipt.voice_seed,
        "waveform_sha256": receipt.waveform_sha256,
        "engine_fingerprint": receipt.engine_fingerprint,
        "chain_fingerprint": receipt.chain_fingerprint,
        "draw": receipt.draw,
    }
