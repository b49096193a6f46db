"""How fast campaigns have ended requests lately, as far as this gateway has seen them change."""

import time
from collections import deque
from collections.abc import Callable

from seedcast.schemas.messages import CampaignState
from seedcast.storage.index.indexed import IndexedCampaign

WINDOW = 60.0  # seconds that are looked back on
LEAST = 15.0  # seconds; what has just begun, or gone on, has no rate yet
GOING: tuple[CampaignState, ...] = ("open", "sealed")


class Paces:
    """`note` is for one thread; `rate` is for any."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = dict[str, deque[tuple[float, int]]]()  # when, and how many had ended

    def note(self, found: IndexedCampaign) -> None:
        """Take a campaign as it is now."""
        if found.campaign is None or found.progress.complete or found.campaign.state not in GOING:
            self._seen.pop(found.campaign_id, None)
            return
        now, ended = self._clock(), found.progress.finished
        seen = self._seen.get(found.campaign_id)
        # One that stood still begins anew, and so does another list of the same name.
        if seen is None or now - seen[-1][0] > WINDOW or ended < seen[-1][1]:
            seen = self._seen[found.campaign_id] = deque()
        seen.append((now, ended))
        while now - seen[1 if len(seen) > 1 else 0][0] >= WINDOW:
            seen.popleft()

    def rate(self, campaign_id: str) -> float | None:
        """Return requests per second; None if it is not known, or nothing ends."""
        if not (seen := self._seen.get(campaign_id)):
            return None
        (began, before), (last, ended), now = seen[0], seen[-1], self._clock()
        if ended == before or now - began < LEAST or now - last > WINDOW:
            return None
        return (ended - before) / (now - began)
