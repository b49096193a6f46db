"""Ends a process that makes no progress: a hung consumer keeps its partitions otherwise."""

import os
import threading
import time

import structlog

log = structlog.get_logger(__name__)

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
LAST_WORDS = 2.0  # seconds


class Watchdog:
    """A daemon thread; `beat` says that there is progress. An idle process beats, too."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last = time.monotonic()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def beat(self) -> None:
        self._last = time.monotonic()

    def stop(self) -> None:
        """Watches no longer: the process has other work to do."""
        self._stopped.set()

    def _watch(self) -> None:
        while (silent := time.monotonic() - self._last) < self._limit:
            if self._stopped.wait(min(1.0, self._limit - silent)):
                return
        last = threading.Timer(
            LAST_WORDS, os._exit, (EXIT_CODE,)
        )  # the process may hang in its log
        last.daemon = True
        last.start()
        log.critical(
            "watchdog",
            problem=f"no progress for {self._limit:g} s",
            remedy="the process ends, so that its partitions move",
        )
        os._exit(EXIT_CODE)
