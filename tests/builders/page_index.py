"""An index in memory, as the page asks it: as many campaigns as wanted, of any length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from seedcast.campaigns.progress import Progress
from seedcast.codec import encode_json
from seedcast.schemas.messages import (
    Campaign,
    ListPart,
    Receipt,
    Rendition,
    RequestError,
    SpeechResult,
    StagedList,
    Status,
)
from seedcast.storage.index.indexed import IndexedCampaign, IndexedRequest, Page
from seedcast.storage.index.sampling import Sample

T = TypeVar("T")
SHA = "ab" * 32


@dataclass
class PageIndex:
    """Stands for OpenIndex and for the Index that it opens."""

    known: list[IndexedCampaign] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)  # lately, by campaign
    ended: list[IndexedRequest] = field(default_factory=list)  # of every campaign

    async def ask(self, question: Callable[[Any], T]) -> T:
        return question(self)

    def campaigns(self) -> list[IndexedCampaign]:
        return self.known

    def campaign(self, name: str) -> IndexedCampaign | None:
        return next((each for each in self.known if each.campaign_id == name), None)

    def sample(self, _name: str, _rows: int | None, finished: int) -> Sample:
        ended = [(each.row, each.ended_at) for each in self.ended if each.ended_at]
        return Sample(ended=sorted(ended, key=lambda e: e[1]), each=max(1, finished / 1000))

    def latest(self, _name: str, _near: object, limit: int) -> list[IndexedRequest]:
        return self.ended[-limit:][::-1]

    def requests(self, _name: str, *, error: str, limit: int, **_: object) -> Page:
        found = [each for each in self.ended if each.error_code == error][:limit]
        return Page(requests=tuple(found), after=None)


def a_campaign(
    name: str = "july-bills",
    *,
    accepted: int | None = 1000,
    counts: Sequence[int] = (400, 3, 2, 0),
    rate: float | None = 20.0,
    fed: int | None = None,
    rendering: int = 0,
    held: str | None = None,
    errors: dict[str, int] | None = None,
    **fields: Any,
) -> IndexedCampaign:
    """`counts`: succeeded, failed, expired, cancelled."""
    finished = sum(counts)
    staged = StagedList(
        staging="0" * 16,
        parts=(ListPart(rows=1, bytes=1, sha256=SHA),),
        digest=SHA,
        ids_digest=SHA,
    )
    record = Campaign(
        **{
            "campaign_id": name,
            "state": "sealed",
            "created_at": datetime.now(UTC) - timedelta(hours=1),
            "accepted": accepted,
            "staged": staged,
            "tenant": "bank",
            **fields,
        }
    )
    progress = Progress(
        accepted=accepted,
        succeeded=counts[0],
        failed=counts[1],
        expired=counts[2],
        cancelled=counts[3],
        audio_seconds=4.0 * counts[0],
        rate=rate,
    )
    return IndexedCampaign(
        campaign_id=name,
        campaign=record,
        progress=progress,
        errors=errors or {},
        fed=finished if fed is None else fed,
        rendering=rendering,
        held=held,
        list_state="loaded",
    )


def an_ended(
    row: int,
    status: Status = "succeeded",
    *,
    own_id: str | None = None,
    ended_at: datetime | None = None,
    message: str = "no draw was plausible",
    profiles: Sequence[str] = ("phone", "web"),
    campaign_id: str = "july-bills",
) -> IndexedRequest:
    is_spoken = status == "succeeded"
    renditions = tuple(
        Rendition(
            profile=profile,
            uri=f"s3://audio/{row}/{profile}",
            format="opus",
            sample_rate=24_000,
            duration=4.2,
            bytes=9000,
            sha256=SHA,
        )
        for profile in profiles
    )
    receipt = Receipt(
        voice_seed=2222,
        text_digest=SHA,
        waveform_sha256=SHA,
        engine_fingerprint="espeak-0123456789abcdef",
        chain_fingerprint="fedcba9876543210",
        draw=0,
    )
    code = {"failed": "unstable", "expired": "expired", "cancelled": "cancelled"}.get(status)
    result = SpeechResult(
        request_id=f"request-{row:05d}",
        campaign_id=campaign_id,
        status=status,
        renditions=renditions if is_spoken else (),
        receipt=receipt if is_spoken else None,
        error=RequestError(code=code, message=message) if code else None,  # type: ignore[arg-type]
    )
    return IndexedRequest(
        campaign_id=campaign_id,
        request_id=result.request_id,
        row=row,
        own_id=own_id or f"c-{row}",
        status=status,
        error_code=code,
        duration=4.2 if is_spoken else None,
        draw=0,
        ended_at=ended_at or datetime.now(UTC),
        manifest=encode_json(result),
    )
