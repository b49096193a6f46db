"""The results index, opened when it is first asked, and again until it answers."""

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import Self, TypeVar

import structlog

from seedcast.errors import IndexMismatch, IndexUnavailable
from seedcast.producers.gateway.problems import unavailable
from seedcast.settings import Settings
from seedcast.storage.index.reader import Index, open_index

log = structlog.get_logger(__name__)
T = TypeVar("T")


class OpenIndex:
    """Thread-safe. A gateway starts, and speaks, while the index is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._lock = settings, Lock()
        self._index: Index | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._index is not None:
            self._index.close()

    async def ask(self, question: Callable[[Index], T]) -> T:
        """Return the answer. Raises Problem 503 where there is no index, or it is away."""
        return await asyncio.to_thread(self._asked, question)

    def _asked(self, question: Callable[[Index], T]) -> T:
        try:
            return question(self._opened())
        except (IndexUnavailable, IndexMismatch) as error:
            log.warning("index_away", problem=str(error))
            raise unavailable("the results index does not answer") from error

    def _opened(self) -> Index:
        with self._lock:
            if self._index is None:
                self._index = open_index(self._settings)
            if self._index is None:
                raise unavailable("there is no results index: run `seedcast run indexer`")
            return self._index
