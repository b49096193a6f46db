"""The lists that are not wholly fed, in the order in which they were staged."""

from collections.abc import Iterable, Iterator, Mapping

from seedcast.campaigns.cursor_topic import CursorTable
from seedcast.producers.feeder.feed import Feed
from seedcast.schemas.messages import Campaign
from seedcast.storage.objects import ObjectStore

# What a cancelled campaign has left is fed, too: each of its requests ends as cancelled.
_FED = ("sealed", "cancelled")


class UnfedLists:
    """A turn costs nothing per campaign: only what has changed is looked at."""

    def __init__(self, store: ObjectStore, cursors: CursorTable) -> None:
        self._store, self._cursors = store, cursors
        self._feeds: dict[str, Feed] = {}  # by campaign id: lists that had rows left in this term
        self._feedable: list[Feed] = []  # the oldest first

    def update(self, changed: Iterable[str], campaigns: Mapping[str, Campaign]) -> None:
        """Take over what has changed: ids of `campaigns`."""
        feedable = {feed.campaign.campaign_id: feed for feed in self._feedable}
        for campaign_id in changed:
            campaign = campaigns.get(campaign_id)
            feed = self._feed_of(campaign_id, campaign)
            feedable.pop(campaign_id, None)
            if feed and campaign and campaign.state in _FED:
                feedable[campaign_id] = feed
            elif feed:
                feed.close()
        self._feedable = sorted(feedable.values(), key=_age)

    def ready(self, now: float) -> Feed | None:
        """Return the oldest list that may be fed now."""
        return next((feed for feed in self._feedable if feed.retry_at <= now), None)

    def remove(self, feed: Feed) -> None:
        """Forget a list that is fed."""
        self._feedable.remove(feed)

    @property
    def rows(self) -> int:
        """Rows that are still to be fed, without those of paused campaigns."""
        return sum(feed.left for feed in self._feedable)

    @property
    def held(self) -> Iterator[Feed]:
        return (feed for feed in self._feedable if feed.held)

    @property
    def is_fed(self) -> bool:
        """Return True if every list is fed that is not paused or held."""
        return all(feed.held for feed in self._feedable)

    def _feed_of(self, campaign_id: str, campaign: Campaign | None) -> Feed | None:
        """Return the campaign's list if it has rows left."""
        if campaign is None or campaign.staged is None:
            self._feeds.pop(campaign_id, None)
            return None
        feed = self._feeds.get(campaign_id)
        if feed is None or feed.staging != campaign.staged.staging:
            feed = Feed(self._store, campaign, self._cursors.fed(campaign))
            if feed.left:
                self._feeds[campaign_id] = feed
        return feed if feed.left else None


def are_fed(campaigns: Mapping[str, Campaign], cursors: CursorTable) -> bool:
    """Return True if the cursors say that every list is fed that is not paused or held."""
    lists = (each for each in campaigns.values() if each.staged and each.state in _FED)
    found = ((campaign, cursors.of(campaign)) for campaign in lists)
    return all(
        cursor and (cursor.held or cursor.fed >= (campaign.accepted or 0))
        for campaign, cursor in found
    )


def _age(feed: Feed) -> tuple[object, str]:
    return feed.campaign.created_at, feed.campaign.campaign_id
