"""Completes campaigns: every id of the list has its result, so the list has ended.

First the objects, then the record that names them. A crash between leaves objects that the next
indexer writes again, the same.
"""

import time
from collections.abc import Callable, Iterator

import structlog

from seedcast import metrics
from seedcast.campaigns.campaign_state import completed
from seedcast.campaigns.campaign_topic import Campaigns, change_state
from seedcast.errors import CredentialsRefused, StoreUnavailable
from seedcast.failpoints import failpoint
from seedcast.kafka import Producer
from seedcast.schemas.messages import Campaign, Outputs
from seedcast.settings import Settings
from seedcast.storage.index.reader import Index
from seedcast.storage.index.writer import IndexWriter
from seedcast.storage.list_outputs import IncompleteList, missing_outputs, write_outputs
from seedcast.storage.objects import ObjectStore
from seedcast.stream_apps.index.interrupted import interruptible

log = structlog.get_logger(__name__)

PAUSE = 1.0  # seconds between two questions which lists have ended: each looks at all of them
RETRY = 10.0  # seconds until objects that could not be stored are written again
INTERVAL = 3600.0  # seconds between two looks for objects that are gone


class Completion:
    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        producer: Producer,
        campaigns: Campaigns,
        writer: IndexWriter,
        index: Index,
        goes_on: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._store, self._producer = settings, store, producer
        self._campaigns, self._writer, self._index = campaigns, writer, index
        self._goes_on, self._clock = goes_on, clock
        self._pending = True
        self._not_before = self._restore_at = self._look_at = 0.0
        self._gone: Iterator[Campaign] = iter(())

    def look_again(self) -> None:
        """Call it when a result, a list or a campaign is new in the index."""
        self._pending = True

    def complete_next(self) -> bool:
        """Complete campaigns that have ended, and write what is gone; True if a record was written.

        Raises the errors of the index and of the broker, and Interrupted. The object store's are
        logged, and it is tried again.
        """
        if self._clock() < self._not_before:
            return False
        try:
            written = self._complete_ended()
            return self._restore_next() or written
        except (StoreUnavailable, CredentialsRefused, OSError) as error:
            self._not_before = self._restore_at = self._clock() + RETRY
            boundary = "disk" if isinstance(error, OSError) else "store"
            metrics.RETRIES.labels(boundary).inc()
            log.warning("unavailable", boundary=boundary, problem=str(error))
            return True  # of some the record may be written

    def _complete_ended(self) -> bool:
        if not self._pending or self._clock() < self._look_at:
            return False
        self._look_at = self._clock() + PAUSE
        found = map(self._campaigns.records.get, self._writer.complete())
        ended = [each for each in found if each and each.staged]
        for campaign in ended:
            self._complete(campaign)
        self._pending = False
        return bool(ended)

    def _complete(self, campaign: Campaign) -> None:
        try:
            outputs = self._write(campaign)
        except IncompleteList as error:
            log.error("outputs_unwritten", campaign_id=campaign.campaign_id, problem=str(error))
            return
        failpoint("indexer.outputs")
        if outputs != campaign.outputs:
            self._announce(campaign, outputs)
            failpoint("indexer.completed")
            log.info("campaign_ended", campaign_id=campaign.campaign_id, requests=campaign.accepted)

    def _write(self, campaign: Campaign) -> Outputs:
        rows = interruptible(self._index.rows(campaign.campaign_id), self._goes_on)
        return write_outputs(self._store, campaign, rows)

    def _announce(self, campaign: Campaign, outputs: Outputs) -> None:
        def ended(record: Campaign) -> Campaign:
            same = record.staged == campaign.staged  # else another list has come under its name
            return completed(record, outputs=outputs) if same else record

        name = campaign.campaign_id
        if name in self._campaigns.records:  # its record may have been removed meanwhile
            change_state(self._settings, self._producer, self._campaigns, name, ended)

    def _restore_next(self) -> bool:
        """Once an hour: look for objects that a record names, and write what is gone."""
        if self._clock() >= self._restore_at:
            self._restore_at = self._clock() + INTERVAL
            pruned = self._index.pruned()  # there is nothing to write them from any more
            records = [each for name, each in self._campaigns.records.items() if name not in pruned]
            self._gone = iter(missing_outputs(self._store, records))
        if (campaign := next(self._gone, None)) is None:
            return False
        log.warning("outputs_missing", campaign_id=campaign.campaign_id, next="written again")
        self._complete(campaign)
        return True
