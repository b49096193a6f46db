"""The active feeder's figures: what autoscaling and alerts follow."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from seedcast import metrics
from seedcast.producers.feeder.feed import Feed
from seedcast.producers.feeder.fleet_slots import FleetSlots
from seedcast.producers.feeder.lists import Lists
from seedcast.producers.feeder.outcomes import Outcomes
from seedcast.producers.feeder.policy.deadline import slack
from seedcast.producers.feeder.policy.slot_pace import SlotPace
from seedcast.producers.feeder.policy.workers_wanted import Demand, workers_wanted
from seedcast.settings import Settings

HOUR = 3600.0
LEAST_SLACK = -30 * 24 * HOUR  # a list that hardly moves would end in a million years


class Figures:
    def __init__(
        self, settings: Settings, lists: Lists, outcomes: Outcomes, fleet: FleetSlots
    ) -> None:
        self._goal = settings.feeder.backlog_goal * HOUR
        self._lists, self._depth, self._fleet = lists, outcomes.depth, fleet
        self._pace = SlotPace()
        self._slots_per_worker = 0.0  # of the last fleet that had any

    def finished(self, audio: float, now: float) -> None:
        """Count a result. `audio`: seconds."""
        self._pace.add(audio, now)

    def show(self, now: float) -> None:
        """Set every gauge. Call it about once a second."""
        feeds = list(self._lists.feedable.values())
        outstanding, seconds = len(self._depth), self._depth.seconds
        metrics.LISTS_UNFED.set(self._lists.rows)
        metrics.LISTS_HELD.set(sum(1 for _ in self._lists.held))
        metrics.FEED_DEPTH_ROWS.set(outstanding)
        metrics.FEED_DEPTH_AUDIO.set(seconds)
        metrics.BACKLOG_AUDIO.set(seconds + sum(feed.backlog(now) for feed in feeds))
        slacks = [found for feed in feeds if (found := _slack(feed, now)) is not None]
        metrics.DEADLINE_SLACK.set(min(slacks, default=math.nan))
        metrics.WORKERS_WANTED.set(self._workers_wanted(feeds, outstanding, now))

    def _workers_wanted(self, feeds: list[Feed], outstanding: int, now: float) -> int:
        demands = (demand for feed in feeds if (demand := _demand(feed, now)))
        return workers_wanted(
            demands,
            outstanding,
            self._per_worker(outstanding, now),
            now=now,
            goal=self._goal,
            most=self._fleet.most_workers,
        )

    def _per_worker(self, outstanding: int, now: float) -> float | None:
        """Return the seconds of audio per second of a worker; None if it is not known yet."""
        capacity = self._fleet.capacity
        if capacity.workers:
            self._slots_per_worker = capacity.slots / capacity.workers
        self._pace.look(min(capacity.busy, outstanding), now)  # the other slots have events
        per_slot = self._pace.per_slot
        return per_slot * self._slots_per_worker if per_slot and self._slots_per_worker else None


@contextmanager
def shown_figures() -> Iterator[None]:
    """Let no gauge outlive the block: whoever is not active knows nothing of lists."""
    try:
        yield
    finally:
        for gauge in (
            metrics.LISTS_UNFED,
            metrics.LISTS_HELD,
            metrics.FEED_DEPTH_ROWS,
            metrics.FEED_DEPTH_AUDIO,
            metrics.BACKLOG_AUDIO,
            metrics.WORKERS_WANTED,
        ):
            gauge.set(0)
        metrics.DEADLINE_SLACK.set(math.nan)


def _may_be_fed(feed: Feed, now: float) -> bool:
    """Tell by the schedule that the list was opened with: one that nobody can read opens none."""
    return feed.flow is not None and not feed.held and feed.flow.schedule.is_open(now)


def _slack(feed: Feed, now: float) -> float | None:
    deadline = feed.campaign.deadline
    if deadline is None or feed.campaign.state == "cancelled":
        return None
    is_fed = _may_be_fed(feed, now)  # else what fades says nothing
    rate = feed.throughput.per_second(now) if is_fed else 0.0
    return max(LEAST_SLACK, slack(deadline.timestamp(), now, feed.backlog(now), rate))


def _demand(feed: Feed, now: float) -> Demand | None:
    """Return what a list wants now; None if none of its rows may be fed now."""
    campaign = feed.campaign
    if not _may_be_fed(feed, now):
        return None
    deadline = campaign.deadline.timestamp() if campaign.deadline else None
    begins = max(campaign.created_at, campaign.start_at or campaign.created_at)
    return Demand(
        seconds=feed.backlog(now),
        since=begins.timestamp(),
        deadline=deadline,
        most_per_second=math.inf if campaign.rate is None else campaign.rate * feed.mean_cost,
    )
