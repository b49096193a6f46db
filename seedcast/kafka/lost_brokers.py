"""Whether a librdkafka client knows no broker any more, which it never mends by itself.

A broker that is starting or ending may name no broker in its metadata. librdkafka then forgets
every broker that it knew, and, if unlucky, also stops the re-bootstrap that it has just begun: it
has nobody left to ask, for ever (issue 5301, open in 2.16.0; measured: three clients of ten).
"""

import time
from collections.abc import Callable

import msgspec

INTERVAL = 5.0  # seconds between two statistics
LOST_AFTER = 10.0  # seconds; a re-bootstrap adds its brokers within milliseconds
_REAL = {"configured", "learned"}  # the others are librdkafka's own: `logical`, `internal`


class _Broker(msgspec.Struct):
    source: str


class _Statistics(msgspec.Struct):
    brokers: dict[str, _Broker]


class LostBrokers:
    """A client's statistics callback.

    Brokers that are away, or connections that fail, never count as lost: librdkafka lists them
    still, and goes on trying.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None  # of the first statistics without a broker

    def properties(self) -> dict[str, object]:
        """Properties of a client that reports here."""
        return {"stats_cb": self, "statistics.interval.ms": int(INTERVAL * 1000)}

    def __call__(self, statistics: str) -> None:
        known = msgspec.json.decode(statistics, type=_Statistics).brokers.values()
        if any(broker.source in _REAL for broker in known):
            self._since = None
        elif self._since is None:
            self._since = self._clock()

    def restart(self) -> None:
        """Count the seconds anew."""
        self._since = None

    @property
    def lost(self) -> bool:
        """Return True if it has known no broker for LOST_AFTER seconds, as of the last callback."""
        return self._since is not None and self._clock() - self._since >= LOST_AFTER
