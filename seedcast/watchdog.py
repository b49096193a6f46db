"""Ends a process that makes no progress, because a hung consumer would keep its partitions."""

import os
import threading
import time

import structlog

log = structlog.get_logger(__name__)

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h
WORKING = 0.05  # of a core; a process that starts and uses less does nothing
LOG_TIMEOUT = 2.0  # seconds that the last log line may take


class Watchdog:
    """Ends the process if nobody calls `beat` for `limit` seconds. It runs in a daemon thread.

    An idle process must beat, too. Until `started` is called, work beats by itself: to compile or
    to load takes as long as the machine needs, and only a process that does neither hangs.
    """

    def __init__(self, limit: float, *, starting: bool = False) -> None:
        self._limit, self._starting = limit, starting
        self._last_beat = time.monotonic()
        self._cpu = time.process_time()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def beat(self) -> None:
        """Reports progress."""
        self._last_beat = time.monotonic()

    def started(self) -> None:
        """From now on, only `beat` counts."""
        self._starting = False
        self.beat()

    def stop(self) -> None:
        """Stops watching: what the process does from now on may take any time."""
        self._stopped.set()

    def _watch(self) -> None:
        while (silence := time.monotonic() - self._last_beat) < self._limit:
            if self._stopped.wait(min(1.0, self._limit - silence)):
                return
            if self._starting and self._has_worked():
                self.beat()
        self._end_process()

    def _has_worked(self) -> bool:
        """Threads that only wait take less of a core than WORKING, and would hide a hang."""
        used = time.process_time()
        if used - self._cpu < self._limit * WORKING:
            return False
        self._cpu = used
        return True

    def _end_process(self) -> None:
        # Logging may hang, too: it may be what the process hangs in.
        forced_exit = threading.Timer(LOG_TIMEOUT, os._exit, (EXIT_CODE,))
        forced_exit.daemon = True
        forced_exit.start()
        log.critical(
            "watchdog",
            problem=f"no progress for {self._limit:g} s",
            remedy="the process ends, so that its partitions move",
        )
        os._exit(EXIT_CODE)
