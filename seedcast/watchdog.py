"""Ends a process that makes no progress: a hung consumer keeps its partitions otherwise."""

import os
import threading
import time

import structlog

log = structlog.get_logger(__name__)

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h


class Watchdog:
    """A daemon thread; `beat` says that there is progress. An idle process beats, too."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last = time.monotonic()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def beat(self) -> None:
        self._last = time.monotonic()

    def _watch(self) -> None:
        while (silent := time.monotonic() - self._last) < self._limit:
            time.sleep(min(1.0, self._limit - silent))
        log.critical("watchdog", problem=f"no progress for {self._limit:g} s", remedy="the process ends, so that its partitions move")
        os._exit(EXIT_CODE)
