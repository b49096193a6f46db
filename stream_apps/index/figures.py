"""The indexer's metrics: how far it is behind, in records and in seconds."""

import time
from typing import TYPE_CHECKING

from seedcast import metrics

if TYPE_CHECKING:
    from seedcast.stream_apps.index.term import Term


class Figures:
    def __init__(self) -> None:
        self._current_at = time.time()  # seconds since the epoch: so far the index has everything

    def show(self, term: "Term") -> None:
        behind = term.results.behind(term.writer.positions)
        metrics.INDEX_LAG.set(behind)
        if behind == 0:
            self._current_at = time.time()
        elif term.results.latest_ms:
            self._current_at = term.results.latest_ms / 1000
        metrics.INDEX_AGE.set(max(0.0, time.time() - self._current_at))

    def away(self) -> None:
        """While nothing can be indexed, only the age is known."""
        metrics.INDEX_AGE.set(max(0.0, time.time() - self._current_at))
