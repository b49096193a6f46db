"""Writes how far the lists are fed, about once a second, for the next feeder to go on from."""

from collections.abc import Mapping

from msgspec.structs import replace

from seedcast.campaigns.campaign_topic import Campaigns, restore_disputed
from seedcast.campaigns.cursor_topic import write_feeder_records
from seedcast.failpoints import failpoint
from seedcast.kafka import Producer
from seedcast.producers.feeder.feed import Feed
from seedcast.producers.feeder.outage import MAY_HEAL
from seedcast.producers.feeder.term import Term
from seedcast.schemas.messages import Cursor
from seedcast.settings import Settings

ACKNOWLEDGED = 5.0  # seconds that a checkpoint waits for the broker; the next one covers it


class Checkpoints:
    """Of one term. Every method raises the broker's error; the next checkpoint covers it."""

    def __init__(self, settings: Settings, producer: Producer, term: Term) -> None:
        self._settings, self._producer, self._term = settings, producer, term
        self._moved: dict[str, Feed] = {}  # by campaign id: since the last checkpoint
        self._written: dict[str, Cursor] = {}
        self._rendering: Mapping[str, int] = {}
        self._retold = set[str]()  # campaigns whose number changed since the last checkpoint

    def note(self, feed: Feed) -> None:
        """The list is fed further, or it is held."""
        self._moved[feed.campaign.campaign_id] = feed

    def render(self, rendering: Mapping[str, int]) -> None:
        """Take how many rows of each list are spoken and have no result."""
        self._retold |= {name for name, _ in self._rendering.items() ^ rendering.items()}
        self._rendering = rendering

    @property
    def is_written(self) -> bool:
        """Return True if the cursors say everything."""
        return not self._moved

    def write(self) -> None:
        """Write the cursors that have moved."""
        moved, self._moved = self._moved, {}  # rows are acknowledged meanwhile, too
        retold = [self._again(name) for name in self._retold - moved.keys()]
        try:
            self._write_new([*map(self._cursor, moved.values()), *filter(None, retold)])
        except MAY_HEAL:
            self._moved = moved | self._moved
            raise
        self._retold.clear()

    def restore(self) -> None:
        """Write again what others have overwritten: compaction keeps only the latest record.

        They are a feeder whose term is over, and a submission that came second.
        """
        self._restore_cursors()
        if self._term.campaigns.disputed:
            with Campaigns(self._settings) as campaigns:
                campaigns.catch_up()
                restore_disputed(self._settings, self._producer, campaigns)

    def _restore_cursors(self) -> None:
        """The topic's follower may not have read yet what this term wrote last."""
        cursors = self._term.cursors
        right = [self._written.get(name) or cursors.records[name] for name in cursors.outdated]
        write_feeder_records(self._producer, self._settings, right, ACKNOWLEDGED)
        cursors.outdated.clear()

    def _write_new(self, cursors: list[Cursor]) -> None:
        new = [each for each in cursors if self._written.get(each.campaign_id) != each]
        write_feeder_records(self._producer, self._settings, new, ACKNOWLEDGED)
        self._written |= {each.campaign_id: each for each in new}
        if new:
            failpoint("feeder.checkpointed")

    def _cursor(self, feed: Feed) -> Cursor:
        place = feed.place
        return Cursor(
            campaign_id=feed.campaign.campaign_id,
            staging=feed.staging,
            fed=place.read,
            unfed=place.unfed,
            generation=self._term.generation,
            held=feed.held,
            rendering=self._rendering.get(feed.campaign.campaign_id, 0),
        )

    def _again(self, name: str) -> Cursor | None:
        """Return the cursor of a list that was not fed further, as it is now."""
        known = self._written.get(name) or self._term.cursors.records.get(name)
        rendering, generation = self._rendering.get(name, 0), self._term.generation
        return known and replace(known, rendering=rendering, generation=generation)
