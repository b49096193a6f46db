"""Campaigns and cursors: what their topics say, written to the index where it has changed."""

import time

from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.campaigns.cursor_topic import Cursors
from seedcast.schemas.messages import Campaign, Cursor
from seedcast.storage.index.reader import Index
from seedcast.storage.index.writer import IndexWriter

PAUSE = 1.0  # seconds between two looks at cursors, which move all the time


class Records:
    def __init__(
        self, campaigns: Campaigns, cursors: Cursors, writer: IndexWriter, index: Index
    ) -> None:
        """`campaigns` and `cursors` are caught up. What is no more on their topics is removed."""
        self._campaigns, self._cursors, self._writer = campaigns, cursors, writer
        self._written: dict[str, Campaign] = {}
        self._moved: dict[str, Cursor] = {}
        self._changed, self._cursors_at = True, 0.0
        known = {each.campaign_id for each in index.campaigns() if each.campaign}
        if gone := known - campaigns.records.keys():
            writer.remove_campaigns(gone)

    def look_again(self) -> None:
        """Call it when somebody else has polled the campaigns."""
        self._changed = True

    def write_changes(self) -> bool:
        """Return True if a campaign has changed. Raises the errors of the index and the broker."""
        changed = bool(self._campaigns.poll()) or self._changed
        if changed:
            self._write_campaigns()
        self._changed = False
        if time.monotonic() >= self._cursors_at:
            self._cursors_at = time.monotonic() + PAUSE
            self._write_cursors()
        return changed

    def _write_campaigns(self) -> None:
        records = dict(self._campaigns.records)
        if gone := self._written.keys() - records.keys():
            self._writer.remove_campaigns(gone)
        fresh = [each for name, each in records.items() if self._written.get(name) is not each]
        if fresh:
            self._writer.put_campaigns(fresh)
        self._written = records

    def _write_cursors(self) -> None:
        self._cursors.poll()
        records = dict(self._cursors.records)
        fresh = [each for name, each in records.items() if self._moved.get(name) is not each]
        if fresh:
            self._writer.put_cursors(fresh)
        self._moved = records
