"""Tells the group how far the index is, so that any tool for Kafka shows its lag."""

import time
from collections.abc import Mapping

import structlog

from seedcast.errors import Retryable
from seedcast.kafka import ActiveMember, Partition

log = structlog.get_logger(__name__)

PAUSE = 1.0  # seconds between two commits


class ReportedOffsets:
    """Nothing reads what it commits: where an indexer goes on is in its database."""

    def __init__(self, member: ActiveMember, topic: str) -> None:
        self._member, self._topic = member, topic
        self._reported: dict[int, int] = {}
        self._due = 0.0

    def report(self, positions: Mapping[int, int]) -> None:
        moved = {n: to for n, to in positions.items() if self._reported.get(n) != to}
        if not moved or time.monotonic() < self._due:
            return
        self._due = time.monotonic() + PAUSE
        try:
            if self._member.commit({Partition(self._topic, n): to for n, to in moved.items()}):
                self._reported |= moved
        except Retryable as error:
            log.warning("commit", problem=str(error))  # the next one covers it
