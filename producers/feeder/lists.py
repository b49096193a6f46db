"""The lists that are not wholly fed, by campaign id."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from seedcast.campaigns.cursor_topic import CursorTable, rows_fed
from seedcast.campaigns.opening import is_due
from seedcast.producers.feeder.feed import Feed
from seedcast.producers.feeder.outage import Outage
from seedcast.producers.feeder.policy.look_ahead import START, Place
from seedcast.producers.request_topics import RequestTopics
from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import LANES
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectStore

# What a cancelled campaign has left is fed, too: each of its requests ends as cancelled.
_FED = ("sealed", "cancelled")


class Lists:
    """Only what has changed is looked at: a turn costs nothing per campaign."""

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        partitions: Mapping[str, int],
        cursors: CursorTable,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`partitions`: how many each topic has, by full name."""
        self._settings, self._store, self._partitions = settings, store, partitions
        self._cursors, self._outage = cursors, Outage(clock)
        self._feeds: dict[str, Feed] = {}  # lists that had rows left in this term
        self.feedable: dict[str, Feed] = {}  # of them: those that are not paused

    def update(self, changed: Iterable[str], campaigns: Mapping[str, Campaign], now: float) -> None:
        """Take over what has changed: ids of `campaigns`."""
        for campaign_id in changed:
            campaign = campaigns.get(campaign_id)
            feed = self._feed_of(campaign_id, campaign)
            if feed and campaign and campaign.state in _FED:
                feed.set_terms(campaign, now)
                self.feedable[campaign_id] = feed
                continue
            self.feedable.pop(campaign_id, None)
            if feed:
                feed.close()

    def of(self, campaign_id: str) -> Feed | None:
        """Return the campaign's list if it had rows left in this term, also a paused one."""
        return self._feeds.get(campaign_id)

    @property
    def topic_names(self) -> list[str]:
        """The requests topics."""
        return [self._settings.topic(lane.requests) for lane in LANES.values()]

    def topics(self, campaign: Campaign) -> RequestTopics:
        """Return what says where the campaign's requests go."""
        spread = campaign.staged.spread if campaign.staged else None
        return RequestTopics(self._settings, self._partitions, spread)

    def remove(self, feed: Feed) -> None:
        """Forget a list that is fed."""
        self.feedable.pop(feed.campaign.campaign_id, None)
        feed.close()

    @property
    def rows(self) -> int:
        """Rows that are still to be fed, without those of paused campaigns."""
        return sum(feed.left for feed in self.feedable.values())

    @property
    def held(self) -> Iterator[Feed]:
        return (feed for feed in self.feedable.values() if feed.held)

    def _feed_of(self, campaign_id: str, campaign: Campaign | None) -> Feed | None:
        """Return the campaign's list if it has rows left."""
        if campaign is None or campaign.staged is None:
            self._feeds.pop(campaign_id, None)
            return None
        feed = self._feeds.get(campaign_id)
        if feed is None or feed.staging != campaign.staged.staging:
            place = self._place(campaign)
            feed = Feed(self._store, self._outage, self.topics(campaign), campaign, place)
            if feed.left:
                self._feeds[campaign_id] = feed
        return feed if feed.left else None

    def _place(self, campaign: Campaign) -> Place:
        cursor = self._cursors.of(campaign)
        return Place(cursor.fed, cursor.unfed) if cursor else START


def are_fed(campaigns: Mapping[str, Campaign], cursors: CursorTable, now: float) -> bool:
    """Return True if the cursors say that every list is fed that may be fed now."""
    sealed = (each for each in campaigns.values() if each.staged and each.state in _FED)
    lists = (each for each in sealed if is_due(each, now))
    found = ((campaign, cursors.of(campaign)) for campaign in lists)
    return all(
        cursor and (cursor.held or rows_fed(cursor) >= (campaign.accepted or 0))
        for campaign, cursor in found
    )
