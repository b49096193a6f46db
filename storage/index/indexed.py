"""What the index says: campaigns, requests and pages of requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from seedcast.campaigns.progress import Progress
from seedcast.codec import decode_result
from seedcast.schemas.messages import Campaign, Cursor, ErrorCode, SpeechResult, Status

# What only a request that was spoken can end with: post-processing says so of its audio.
SPOKEN: tuple[ErrorCode, ...] = ("no_speech", "corrupt_audio", "render_error")
# none: a campaign without a staged list; pending: its rows are not in the index yet
ListState = Literal["none", "pending", "loaded"]


@dataclass(frozen=True, kw_only=True)
class IndexedCampaign:
    campaign_id: str  # "" stands for results whose campaign was not readable
    campaign: Campaign | None  # None: only results name it
    progress: Progress
    errors: Mapping[str, int]  # results by error code, most frequent first
    fed: int  # rows of the list on the requests topics
    rendering: int = 0  # spoken and without a result, as the feeder saw last
    held: str | None  # why the rest cannot be fed
    list_state: ListState
    list_problem: str | None = None  # why its list cannot be read into the index
    pruned_at: datetime | None = None  # since when its requests are deleted, in UTC

    @property
    def spoken(self) -> int:
        """How many were spoken, at least: those that expired after it are not told apart."""
        rendered = sum(self.errors.get(code, 0) for code in SPOKEN)
        open_ones = max(0, self.fed - self.progress.finished)  # what the feeder saw may have ended
        return self.progress.succeeded + rendered + min(self.rendering, open_ones)

    @property
    def awaits_list(self) -> bool:
        """Return True if its rows are still to come, False also where they cannot be read."""
        return self.list_state == "pending" and not self.list_problem

    @property
    def why_held(self) -> str | None:
        """Why not all is fed. A list that cannot be read is held, too, unless it has ended."""
        has_ended = self.campaign is None or self.campaign.state == "completed"
        return self.held or (None if has_ended else self.list_problem)

    @property
    def cursor(self) -> Cursor | None:
        """What the index has of the feeder's cursor; None if nothing was fed, or is held."""
        staged = self.campaign.staged if self.campaign else None
        if staged is None or not (self.fed or self.why_held):
            return None
        return Cursor(
            campaign_id=self.campaign_id,
            staging=staged.staging,
            fed=self.fed,
            generation=1,
            held=self.why_held,
        )

    @property
    def tenant(self) -> str | None:
        """Whose it is; None if only results name it."""
        return self.campaign.tenant if self.campaign else None


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedRequest:
    campaign_id: str
    request_id: str
    row: int | None  # in the list, from 1; None: an event, or a stray
    own_id: str | None  # the row's own id
    status: Status | None = None  # None: no result yet, and so for all that follows
    error_code: str | None = None
    duration: float | None = None  # seconds, of the first rendition
    draw: int | None = None
    ended_at: datetime | None = None  # in UTC
    manifest: bytes | None = None  # SpeechResult as JSON

    @property
    def result(self) -> SpeechResult | None:
        return decode_result(self.manifest) if self.manifest is not None else None


@dataclass(frozen=True, kw_only=True)
class Page:
    requests: tuple[IndexedRequest, ...]
    after: str | None  # where the next page begins; None: this is the last
