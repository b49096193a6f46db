"""What has been fed and has no result yet; from each result the feeder learns."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Self

import structlog

from seedcast import metrics
from seedcast.campaigns.progress import decode_readable
from seedcast.kafka import GroupOffsets, Partition, TopicReader
from seedcast.kafka.client_config import BATCHED, PROMPT
from seedcast.producers.feeder.lost_rows import LostRows
from seedcast.producers.feeder.outage import tolerated
from seedcast.producers.feeder.outstanding import (
    TopicsOf,
    committed_offsets,
    read_waiting,
    results_since,
    while_it,
)
from seedcast.producers.feeder.policy.cost import UNSPOKEN, Costs, Measure
from seedcast.producers.feeder.policy.depth import Depth
from seedcast.producers.feeder.policy.release import Released
from seedcast.producers.feeder.rendering import Rendering
from seedcast.producers.feeder.row import Row
from seedcast.schemas.messages import SpeechResult
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

# Seconds until the way to fetch results changes. It makes a new client, and a list that begins on
# idle workers gets its first results at once.
SETTLED = 5.0


class Outcomes:
    def __init__(
        self,
        settings: Settings,
        ahead: float,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`ahead`: seconds of the feed-ahead; infinity: everything is fed at once."""
        self.depth = Depth[Partition](ahead)
        self.costs = Costs()
        self._settings, self._clock, self._now = settings, clock, now
        # By request id: its campaign, and what its audio may teach; None: it ends unspoken.
        self._waiting: dict[str, tuple[str, Measure | None]] = {}
        self._found = set[str]()  # request ids that an earlier feeder has fed, as the topics tell
        self._reader: TopicReader | None = None
        self._chosen_at = 0.0  # when its way to fetch was last right, on `clock`
        self._lost = LostRows(settings, clock)
        self._rendering = Rendering(
            settings, clock, lambda: committed_offsets(settings, GroupOffsets(settings))
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader:
            self._reader.close()

    def rebuild(self, topics_of: TopicsOf, goes_on: Callable[[], bool]) -> bool:
        """Read what an earlier feeder has fed; then follow the results.

        Returns False if `goes_on` has ended it. Raises SeedcastError.
        """
        earliest = self._now()
        for each in read_waiting(self._settings, topics_of, goes_on):
            self._found.add(each.request_id)
            self._waiting[each.request_id] = each.campaign_id, each.measure
            self.depth.fed(each.request_id, each.partition, self.costs.predict(each.measure))
            self._lost.fed(each.request_id, *each.record)
            earliest = min(each.timestamp, earliest)
        if not goes_on():
            return False
        self._reader = results_since(self._settings, earliest)
        for record in while_it(goes_on, self._reader.to_end()):
            if result := decode_readable(record):
                self._found.add(result.request_id)
                self._take(result)
        if not self._reader.caught_up:
            return False
        self._reader.follow()
        return True

    def was_found(self, request_id: str) -> bool:
        """Return True, once, for a row that an earlier feeder has fed after its last checkpoint."""
        if request_id not in self._found:
            return False
        self._found.discard(request_id)
        if request_id not in self._waiting:  # its result was read meanwhile: no other will come
            self.depth.forget(request_id)
        return True

    def cost_of(self, row: Row) -> float:
        """Return the predicted seconds of audio."""
        return UNSPOKEN if row.ends_unspoken(self._now()) else self.costs.predict(row.measure)

    def sent(self, released: Released[Row, Partition]) -> None:
        """Wait for the row's result, if results are followed."""
        if self._reader:
            row = released.row
            measure = None if row.ends_unspoken(self._now()) else row.measure
            self._waiting[released.request_id] = released.campaign, measure

    def acknowledged(self, request_id: str, partition: Partition, offset: int) -> None:
        if request_id in self._waiting:
            self._lost.fed(request_id, partition, offset)

    def forget(self, request_id: str) -> None:
        """Free the place of a row whose result will not come."""
        self._waiting.pop(request_id, None)
        self._lost.ended(request_id)
        self.depth.forget(request_id)

    def forget_lost(self) -> None:
        """Free the places of rows that both groups have passed without a result, and say so.

        Raises the broker's errors.
        """
        for request_id in self._lost.look():
            campaign, _ = self._waiting[request_id]
            log.error(
                "row_without_result",
                request_id=request_id,
                campaign_id=campaign,
                remedy=f"`seedcast audit {campaign}` tells why; the campaign cannot be complete",
            )
            metrics.ROWS_WITHOUT_RESULT.inc()
            self.forget(request_id)

    def rendering(self) -> Counter[str] | None:
        """Return how many rows are spoken and have no result, by campaign.

        None if that was done a moment ago. Raises the broker's errors.
        """
        places = self._lost.places
        return self._rendering.look(
            (self._waiting[key][0], partition, offset) for key, partition, offset in places
        )

    def poll(self) -> Iterator[tuple[str, float]]:
        """Yield campaign and seconds of audio of each row that has its result now."""
        if self._reader is None:
            return
        self._choose_fetch(self._reader)
        for record in self._reader.poll(0.0):
            result = decode_readable(record)
            if result and (ended := self._take(result)):
                yield ended

    def _choose_fetch(self, reader: TopicReader) -> None:
        """Let results come in batches while many are awaited, and ask seldom while none is."""
        fetch = BATCHED if self._waiting else PROMPT
        if fetch == reader.fetch:
            self._chosen_at = self._clock()
        elif self._clock() > self._chosen_at + SETTLED:
            self._chosen_at = self._clock()
            with tolerated("broker"):  # a token may be unavailable
                reader.follow(fetch)

    def _take(self, result: SpeechResult) -> tuple[str, float] | None:
        known = self._waiting.pop(result.request_id, None)
        if known is None:
            return None
        campaign, measure = known
        self._lost.ended(result.request_id)
        audio = result.renditions[0].duration if result.renditions else 0.0
        # What was fed to end unspoken counts as work, in the little that it was fed for: else no
        # more of it would be ahead than the slots need.
        self.depth.ended(result.request_id, self._now(), spoken=audio > 0 or measure is None)
        if measure:
            self.costs.learn(measure, audio)
        return campaign, audio
