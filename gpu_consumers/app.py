"""Starts one GPU consumer as a process: checks everything first, then hands over to the worker."""

import signal
import threading

import structlog

from gpu_consumers import engines
from gpu_consumers.patience import reach_store
from gpu_consumers.verify import voice_lock
from gpu_consumers.worker import Worker
from seedcast import logging, metrics
from seedcast.catalog import profiles
from seedcast.embedded import is_embedded
from seedcast.health import Readiness
from seedcast.kafka import Admin
from seedcast.settings import Settings
from seedcast.watchdog import Watchdog
from storage.s3 import S3Store

log = structlog.get_logger(__name__)

MODEL, LOCK, ASSIGNMENT = (
    "model",
    "lock",
    "assignment",
)  # what readiness waits for; the last: that partitions may be assigned


def run(settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT, drained. Raises Fatal where it cannot or should not run."""
    logging.configure(settings.log, process="gpu-consumer")
    stop, readiness = threading.Event(), Readiness(MODEL, LOCK, ASSIGNMENT)

    def leave(*_: object) -> None:
        readiness.withdraw(ASSIGNMENT)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    port = metrics.serve(settings.metrics, readiness)
    admin = Admin(settings)
    admin.cluster_id()
    admin.ensure_topics()
    store = S3Store(settings.s3)
    reach_store(settings, store.ensure_bucket)
    engine = engines.load(settings)
    readiness.meet(MODEL)
    voice_lock.enforce(settings, engine, store, embedded=is_embedded(settings))
    readiness.meet(LOCK)
    watchdog = Watchdog(settings.gpu.watchdog)
    worker = Worker(settings, engine, profiles.load(settings.postprocess), store, admin.existing())
    readiness.meet(ASSIGNMENT)
    log.info(
        "ready",
        engine=settings.gpu.engine,
        description=engine.description,
        slots=engine.slots,
        fingerprint=engine.fingerprint,
        metrics_port=port,
    )
    worker.run(stop, watchdog)
