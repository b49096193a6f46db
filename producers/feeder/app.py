"""Starts one feeder as a process."""

import threading
from contextlib import closing

import structlog

from seedcast import metrics
from seedcast.fleet.announcing import Announcing
from seedcast.fleet.forgetting import forgetting
from seedcast.health import Readiness
from seedcast.kafka.access_watch import ACCESS, AccessWatch
from seedcast.producers.feeder.feeder import Feeder
from seedcast.schemas.rights import FEEDER
from seedcast.schemas.topics import FEEDERS
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.watchdog import Watchdog
from seedcast.worker import BROKER, STORE, on_stop, start

log = structlog.get_logger(__name__)


def run(settings: Settings, *, once: bool = False) -> None:
    """Return after SIGTERM or SIGINT; with `once`, when every list is fed that can be.

    Raises Fatal errors.
    """
    readiness, stop = Readiness(BROKER, STORE, ACCESS), threading.Event()
    started = start(settings, "feeder", FEEDER, readiness, lambda: S3Store(settings.s3))
    announced = Announcing(settings, "feeder", FEEDERS)
    announced.watch(
        lambda: {"state": "ready" if metrics.value(metrics.FEEDER_ACTIVE) else "standby"}
    )

    def leave() -> None:
        announced.drain()
        stop.set()

    on_stop(leave)
    watchdog = Watchdog(settings.feeder.watchdog)
    partitions = started.admin.existing()
    feeder = Feeder(settings, started.store, partitions, started.cluster_id, readiness)
    log.info("ready", metrics_port=started.metrics_port)
    with announced, forgetting(settings), closing(AccessWatch(settings, FEEDER, readiness)):
        feeder.run(stop, watchdog, once=once)
