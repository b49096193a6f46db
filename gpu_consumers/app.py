"""Starts one GPU consumer as a process: checks everything first, then runs the worker."""

import threading
from contextlib import closing

import structlog

from seedcast import metrics
from seedcast.catalog import profiles
from seedcast.embedded import is_embedded
from seedcast.fleet.announcing import Announcing
from seedcast.gpu_consumers import engines
from seedcast.gpu_consumers.parked_requests import refuse_parked
from seedcast.gpu_consumers.verify import voice_lock
from seedcast.gpu_consumers.worker import Worker
from seedcast.health import Readiness
from seedcast.kafka.access_watch import ACCESS, AccessWatch
from seedcast.schemas.rights import GPU_CONSUMER
from seedcast.schemas.topics import GPU_CONSUMERS, NORMAL, URGENT
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.watchdog import Watchdog
from seedcast.worker import ASSIGNMENT, Started, on_stop, start
from seedcast.worker_progress import Progress, logged_progress

log = structlog.get_logger(__name__)

MODEL, LOCK = "model", "lock"  # what readiness waits for, besides the assignment


def run(settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT, drained. Raises Fatal if it cannot or must not run."""
    readiness = Readiness(MODEL, LOCK, ASSIGNMENT, ACCESS)
    started = start(settings, "gpu-consumer", GPU_CONSUMER, readiness, lambda: S3Store(settings.s3))
    refuse_parked(settings)
    engine = settings.gpu.engine
    with Announcing(settings, "gpu-consumer", GPU_CONSUMERS, engine=engine) as announcing:
        _serve(settings, readiness, started, announcing)


def _serve(
    settings: Settings, readiness: Readiness, started: Started[S3Store], announcing: Announcing
) -> None:
    log.info("loading_engine", engine=settings.gpu.engine)
    engine = engines.load(settings)
    readiness.meet(MODEL)
    announcing.update(slots=engine.slots, fingerprint=engine.fingerprint)
    log.info("speaking_golden_utterances", fingerprint=engine.fingerprint)
    voice_lock.enforce(settings, engine, started.store, embedded=is_embedded(settings))
    readiness.meet(LOCK)
    stop = threading.Event()

    def leave() -> None:
        readiness.withdraw(ASSIGNMENT)
        announcing.drain()
        stop.set()

    on_stop(leave)
    watchdog = Watchdog(settings.gpu.watchdog)
    table = profiles.load(settings.postprocess)
    worker = Worker(settings, engine, table, started.store)
    readiness.meet(ASSIGNMENT)
    announcing.watch(lambda: {"busy": worker.busy})
    announcing.update(state="ready")
    access = AccessWatch(settings, GPU_CONSUMER, readiness)
    log.info(
        "ready",
        engine=settings.gpu.engine,
        description=engine.description,
        slots=engine.slots,
        fingerprint=engine.fingerprint,
        metrics_port=started.metrics_port,
    )
    topics = [settings.topic(lane.requests) for lane in (URGENT, NORMAL)]
    progress = logged_progress(settings, GPU_CONSUMERS.name, topics, Progress(_taken, _finished))
    with closing(access), progress:
        worker.run(stop, watchdog)


def _taken() -> int:
    return metrics.total(metrics.REQUESTS_TAKEN)


def _finished() -> int:
    return metrics.total(metrics.REQUESTS_FINISHED) + metrics.total(metrics.DEAD_LETTERS)
