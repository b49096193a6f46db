"""Feeds what is staged, and waits until it is spoken, as processes and commands do."""

import threading
from collections.abc import Callable

from seedcast.campaigns import waiting
from seedcast.campaigns.progress import Progress
from seedcast.health import Readiness
from seedcast.kafka import Admin
from seedcast.producers.feeder.feeder import Feeder
from seedcast.settings import Settings
from seedcast.storage.list_ids import ids_reader
from seedcast.storage.s3 import S3Store
from seedcast.watchdog import Watchdog

TIMEOUT = 60.0  # seconds without progress


def feed(settings: Settings) -> None:
    """Return when everything is fed that can be."""
    admin, watchdog = Admin(settings), Watchdog(TIMEOUT)
    admin.ensure_topics()
    feeder = Feeder(
        settings, S3Store(settings.s3), admin.existing(), admin.cluster_id(), Readiness()
    )
    feeder.run(threading.Event(), watchdog, once=True)
    watchdog.stop()


def wait(
    settings: Settings, campaign: str, on_progress: Callable[[Progress], None] = lambda _: None
) -> Progress:
    """Return when each request of the campaign's list has a result."""
    return waiting.wait(settings, campaign, ids_reader(settings.s3), on_progress)
