"""Removes the records of workers that died long ago: nobody else does, and each keeps its key."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from seedcast.errors import SeedcastError
from seedcast.fleet.fleet_topic import read_fleet
from seedcast.kafka import Producer
from seedcast.schemas.topics import WORKERS
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

DAY = 86_400.0  # seconds of silence after which a worker is forgotten
INTERVAL = 6 * 3600.0  # seconds between two looks: each reads the whole topic


def forget_silent(settings: Settings, seconds: float = DAY) -> list[str]:
    """Write a tombstone for each worker that has been silent for `seconds`; return their ids.

    One that was only asleep is seen again by its next heartbeat. Raises SeedcastError.
    """
    if silent := read_fleet(settings, whole=True).silent_for(seconds):
        producer = Producer(settings)
        for worker_id in silent:
            producer.deliver(settings.topic(WORKERS), key=worker_id.encode(), value=None)
    return silent


@contextmanager
def forgetting(settings: Settings, interval: float = INTERVAL) -> Iterator[None]:
    """Do that at the start and then every `interval` seconds, in a thread, while the block runs.

    An outage is left to the next look.
    """
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            try:
                if forgotten := forget_silent(settings):
                    log.info("workers_forgotten", workers=forgotten)
            except (SeedcastError, TimeoutError) as error:
                log.warning("fleet_unknown", problem=str(error))
            stop.wait(interval)

    threading.Thread(target=look, name="forgetting", daemon=True).start()
    try:
        yield
    finally:
        stop.set()
