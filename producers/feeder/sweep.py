"""Deletes the objects of stagings that never became a campaign."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog

from seedcast.errors import Retryable
from seedcast.schemas.messages import Campaign
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectInfo, ObjectStore
from seedcast.storage.staged_lists import ABANDONED, BEGUN, FOLDER, deployment

log = structlog.get_logger(__name__)

INTERVAL = 3600.0  # seconds


class Sweep:
    def __init__(self, settings: Settings, store: ObjectStore, cluster_id: str) -> None:
        self._store = store
        self._deployment = deployment(cluster_id, settings.kafka.prefix)
        self._due = time.monotonic()

    def when_due(self, campaigns: Mapping[str, Campaign]) -> None:
        """Sweep once an hour. An outage is logged; the next hour's sweep covers it."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + INTERVAL
        try:
            for key in self.sweep(campaigns, datetime.now(UTC)):
                log.info("staging_swept", folder=key)
        except Retryable as error:
            log.warning("unavailable", boundary="store", problem=str(error))

    def sweep(self, campaigns: Mapping[str, Campaign], now: datetime) -> list[str]:
        """Delete what is abandoned; return the folders.

        A staging of this deployment is abandoned if it is a day old, never became a campaign, and
        no campaign has it. What another deployment has in the same bucket is left alone.
        """
        stagings: dict[str, list[ObjectInfo]] = {}
        for info in self._store.list(f"{FOLDER}/"):
            stagings.setdefault(info.key.rpartition("/")[0] + "/", []).append(info)
        abandoned = [
            key
            for key, objects in stagings.items()
            if max(info.modified for info in objects) < now - ABANDONED
            and not _is_staged(key, campaigns)
            and self._began_here(key, objects)
        ]
        for key in abandoned:
            # The mark goes last, so that an interrupted sweep is finished by the next.
            for info in sorted(stagings[key], key=lambda info: info.key.endswith(BEGUN)):
                self._store.delete(info.uri)
        return abandoned

    def _began_here(self, key: str, objects: list[ObjectInfo]) -> bool:
        mark = next((info for info in objects if info.key == key + BEGUN), None)
        return mark is not None and self._store.get(mark.uri) == self._deployment


def _is_staged(key: str, campaigns: Mapping[str, Campaign]) -> bool:
    _, campaign, staging, _ = key.split("/", 3)
    record = campaigns.get(campaign)
    return bool(record and record.staged and record.staged.staging == staging)
