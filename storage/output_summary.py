"""`summary.json`: how a list ended, in counts."""

from collections import Counter
from datetime import datetime
from typing import Any

import msgspec

from seedcast.schemas.messages import STATUSES, Campaign, Rendition, SpeechResult
from seedcast.storage.index.indexed import IndexedRequest


class Summary:
    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._statuses, self._errors = Counter[str](), Counter[str]()
        self._profiles: dict[str, dict[str, Any]] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, request: IndexedRequest, result: SpeechResult) -> None:
        self._statuses[result.status] += 1
        if result.status != "succeeded":
            self._errors[result.error.code if result.error else result.status] += 1
        for rendition in result.renditions:
            self._add_rendition(rendition)
        if (ended := request.ended_at) is not None:
            self._first = min(self._first or ended, ended)
            self._last = max(self._last or ended, ended)

    def encode(self) -> bytes:
        """Return a JSON object, indented, for people."""
        campaign = self._campaign
        summary: dict[str, Any] = {
            "campaign_id": campaign.campaign_id,
            "created_at": campaign.created_at,
            "requests": campaign.accepted,
            **{status: self._statuses[status] for status in STATUSES},
            "errors": dict(sorted(self._errors.items())),
            "profiles": dict(sorted(self._profiles.items())),
            "first_result_at": self._first,
            "last_result_at": self._last,
        }
        return msgspec.json.format(msgspec.json.encode(summary)) + b"\n"

    def _add_rendition(self, rendition: Rendition) -> None:
        none = {"renditions": 0, "seconds": 0.0, "bytes": 0}
        known = self._profiles.setdefault(rendition.profile, none)
        known["renditions"] += 1
        known["seconds"] += rendition.duration
        known["bytes"] += rendition.bytes
