"""The start that every worker process shares.

Signals, logs, the metrics page, brokers, topics and the object store, in this order. Every worker
waits for the brokers and for the store up to `kafka.start_timeout` each, then exits and says why.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from seedcast import logging, metrics
from seedcast.health import Readiness
from seedcast.kafka import Admin
from seedcast.retry import reach_store, retry
from seedcast.schemas.rights import Role
from seedcast.settings import Settings

SIGNALS = (signal.SIGTERM, signal.SIGINT)
ASSIGNMENT, BROKER, STORE = "assignment", "broker", "store"  # what readiness may wait for


class Store(Protocol):
    def ensure_bucket(self) -> None: ...


S = TypeVar("S", bound=Store)


@dataclass(frozen=True)
class Started(Generic[S]):
    """What a worker has once brokers and store have answered."""

    admin: Admin
    cluster_id: str
    store: S
    metrics_port: int


def start(
    settings: Settings, name: str, role: Role, readiness: Readiness, open_store: Callable[[], S]
) -> Started[S]:
    """Do the start-up that all workers share; the caller then loads its own engine or app.

    Until `on_stop` is called, SIGTERM and SIGINT end the process at once: no work is in hand yet.
    Raises Fatal errors; Unreachable if the brokers or the store do not answer in time, and
    AccessDenied if the role lacks a right.
    """
    exit_on_signals()
    logging.configure(settings.log, worker=name)
    metrics_port = metrics.serve(settings.metrics, readiness)
    admin = Admin(settings)
    cluster_id = admin.cluster_id()
    # A new cluster first has to make the topic of its groups' coordinators.
    retry(lambda: admin.require(role), seconds=settings.kafka.start_timeout)
    if admin.ensure_topics(role):
        admin.require(role)  # of the topics that were not there before
    readiness.meet(BROKER)
    store = open_store()
    reach_store(settings, store.ensure_bucket)
    readiness.meet(STORE)
    return Started(admin, cluster_id, store, metrics_port)


def exit_on_signals() -> None:
    """From now on, SIGTERM and SIGINT end the process at once, without unwinding.

    A SystemExit that is raised inside a callback from C, or in a finalizer, is printed and lost:
    6 of 15 signals were, while espeak spoke the golden utterances (measured).
    """
    for number in SIGNALS:
        signal.signal(number, lambda *_: os._exit(0))


def on_stop(stop: Callable[[], object]) -> None:
    """From now on, SIGTERM and SIGINT call `stop` instead of ending the process."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: stop())
