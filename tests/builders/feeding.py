"""Feeds what is staged, as a feeder process would, and returns when everything is fed."""

import threading

from seedcast.health import Readiness
from seedcast.kafka import Admin
from seedcast.producers.feeder.feeder import Feeder
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.watchdog import Watchdog

TIMEOUT = 60.0  # seconds without progress


def feed(settings: Settings) -> None:
    admin, watchdog = Admin(settings), Watchdog(TIMEOUT)
    admin.ensure_topics()
    feeder = Feeder(
        settings, S3Store(settings.s3), admin.existing(), admin.cluster_id(), Readiness()
    )
    feeder.run(threading.Event(), watchdog, once=True)
    watchdog.stop()
