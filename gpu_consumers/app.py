"""Starts one GPU consumer as a process: checks everything first, then hands over to the worker."""

import signal
import threading

import structlog

from gpu_consumers import engines
from gpu_consumers.worker import Worker
from seedcast import logging, metrics, profiles
from seedcast.kafka import Admin
from seedcast.settings import Settings
from seedcast.watchdog import Watchdog
from storage.s3 import S3Store

log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT, drained. Raises Fatal where it cannot or should not run."""
    logging.configure(settings.log, process="gpu-consumer")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    port = metrics.serve(settings.metrics)
    admin = Admin(settings)
    admin.cluster_id()
    admin.ensure_topics()
    store = S3Store(settings.s3)
    store.ensure_bucket()
    engine = engines.load(settings.gpu)
    log.info("ready", engine=settings.gpu.engine, slots=engine.slots, fingerprint=engine.fingerprint, metrics_port=port)
    Worker(settings, engine, profiles.load(settings.postprocess), store).run(stop, Watchdog(settings.gpu.watchdog))
