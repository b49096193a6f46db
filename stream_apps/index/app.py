"""Starts one indexer as a process."""

import threading
from contextlib import closing

import structlog

from seedcast import metrics
from seedcast.errors import InvalidSettings
from seedcast.fleet.announcing import Announcing
from seedcast.fleet.forgetting import forgetting
from seedcast.health import Readiness
from seedcast.kafka.access_watch import ACCESS, AccessWatch
from seedcast.schemas.rights import INDEXER
from seedcast.schemas.topics import INDEXERS
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.stream_apps.index.indexer import INDEX, Indexer
from seedcast.watchdog import Watchdog
from seedcast.worker import BROKER, STORE, on_stop, start

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Return after SIGTERM or SIGINT. Raises Fatal errors."""
    if not settings.index.url:
        raise InvalidSettings(
            "no index is configured",
            expected="the URL of a database",
            got="none",
            remedy="set SEEDCAST_INDEX_URL, such as postgresql://seedcast_indexer@db/seedcast",
        )
    readiness, stop = Readiness(BROKER, STORE, INDEX, ACCESS), threading.Event()
    started = start(settings, "indexer", INDEXER, readiness, lambda: S3Store(settings.s3))
    announced = Announcing(settings, "indexer", INDEXERS)
    announced.watch(
        lambda: {"state": "ready" if metrics.value(metrics.INDEXER_ACTIVE) else "standby"}
    )

    def leave() -> None:
        announced.drain()
        stop.set()

    on_stop(leave)
    watchdog = Watchdog(settings.index.watchdog)
    indexer = Indexer(settings, started.store, readiness)
    log.info("ready", metrics_port=started.metrics_port)
    with announced, forgetting(settings), closing(AccessWatch(settings, INDEXER, readiness)):
        indexer.run(stop, watchdog)
