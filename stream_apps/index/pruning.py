"""Deletes requests of lists that ended long ago, a few at a time, so that the index keeps its size.

What a list got is then in its outputs alone: none goes before these are stored.
"""

import time
from collections.abc import Callable

import structlog

from seedcast import metrics
from seedcast.errors import CredentialsRefused, StoreUnavailable
from seedcast.storage.index.writer import IndexWriter
from seedcast.storage.list_outputs import missing_outputs
from seedcast.storage.objects import ObjectStore

log = structlog.get_logger(__name__)

INTERVAL = 3600.0  # seconds between two looks for lists that are old enough
RETRY = 60.0  # seconds until the store is asked again
MOST = 5000  # requests in a transaction: half a second at most
DAY_MS = 86_400_000


class Pruning:
    def __init__(
        self,
        store: ObjectStore,
        writer: IndexWriter,
        keep_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`keep_days`: 0 keeps all."""
        self._store, self._writer, self._keep_ms = store, writer, keep_days * DAY_MS
        self._clock, self._look_at = clock, 0.0
        self._old: list[str] = []  # campaigns whose requests are to be deleted

    def prune_next(self) -> None:
        """Delete some requests. Raises the errors of the index; those of the store are logged."""
        if not self._keep_ms or not (self._old or self._look()):
            return
        name = self._old[0]
        if self._writer.prune(name, self._now_ms(), MOST) < MOST:
            self._old.pop(0)
            log.info("requests_pruned", campaign_id=name)

    def _look(self) -> bool:
        if self._clock() < self._look_at:
            return False
        try:
            old = self._writer.prunable(self._now_ms() - self._keep_ms)
            unwritten = {each.campaign_id for each in missing_outputs(self._store, old)}
        except (StoreUnavailable, CredentialsRefused) as error:
            self._look_at = self._clock() + RETRY
            metrics.RETRIES.labels("store").inc()
            log.warning("unavailable", boundary="store", problem=str(error))
            return False
        self._look_at = self._clock() + INTERVAL
        self._old = [each.campaign_id for each in old if each.campaign_id not in unwritten]
        return bool(self._old)

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)
