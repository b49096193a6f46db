"""Deletes the objects of stagings that never became a campaign."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import structlog

from seedcast.errors import MissingObject
from seedcast.producers.feeder.outage import tolerated
from seedcast.schemas.messages import Campaign
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectInfo, ObjectStore
from seedcast.storage.staged_lists import ABANDONED, BEGUN, FOLDER, deployment

log = structlog.get_logger(__name__)

INTERVAL = 3600.0  # seconds


class Sweep:
    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        cluster_id: str,
        read_campaigns: Callable[[], Mapping[str, Campaign]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read_campaigns`: asks the broker, so that what is swept is known to be no campaign's."""
        self._store, self._read_campaigns = store, read_campaigns
        self._deployment = deployment(cluster_id, settings.kafka.prefix)
        self._clock, self._due = clock, clock()

    def when_due(self, goes_on: Callable[[], bool]) -> None:
        """Sweep once an hour. An outage is logged; the next hour's sweep covers it."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + INTERVAL
        with tolerated("sweep"):
            for folder in self.sweep(datetime.now(UTC), goes_on):
                log.info("staging_swept", folder=folder)

    def sweep(self, now: datetime, goes_on: Callable[[], bool] = lambda: True) -> Iterator[str]:
        """Delete what is abandoned; yield each folder. Ends early where `goes_on` says so.

        A staging of this deployment is abandoned if it is a day old, never became a campaign, and
        no campaign has it. What another deployment has in the same bucket is left alone.
        """
        abandoned = self._begun_long_ago(now - ABANDONED, goes_on)
        if not abandoned or not goes_on():
            return
        campaigns = self._read_campaigns()
        for folder, objects in abandoned.items():
            if _is_staged(folder, campaigns):
                continue
            # The mark goes last, so that an interrupted sweep is finished by the next.
            for info in sorted(objects, key=lambda info: info.key.endswith(BEGUN)):
                if not goes_on():
                    return
                self._store.delete(info.uri)
            yield folder

    def _begun_long_ago(
        self, before: datetime, goes_on: Callable[[], bool]
    ) -> dict[str, list[ObjectInfo]]:
        """Return this deployment's stagings that have no object since then, by their folders."""
        stagings: dict[str, list[ObjectInfo]] = {}
        for info in self._store.list(f"{FOLDER}/"):
            stagings.setdefault(info.key.rpartition("/")[0] + "/", []).append(info)
            if not goes_on():
                return {}
        return {
            folder: objects
            for folder, objects in stagings.items()
            if max(info.modified for info in objects) < before and self._is_ours(folder, objects)
        }

    def _is_ours(self, folder: str, objects: list[ObjectInfo]) -> bool:
        """Return True if this deployment has begun it. A campaign's mark is empty."""
        mark = next((info for info in objects if info.key == folder + BEGUN and info.size), None)
        try:
            return mark is not None and self._store.get(mark.uri) == self._deployment
        except MissingObject:  # somebody else was faster
            return False


def _is_staged(folder: str, campaigns: Mapping[str, Campaign]) -> bool:
    _, campaign, staging, _ = folder.split("/", 3)
    record = campaigns.get(campaign)
    return bool(record and record.staged and record.staged.staging == staging)
