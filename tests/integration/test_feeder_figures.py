"""The figures of a feeder on a real Kafka: they tell of its lists, and end with its term."""

import math
import threading

import pytest

from seedcast import metrics
from seedcast.health import Readiness
from seedcast.kafka import Admin
from seedcast.producers.feeder.feeder import Feeder
from seedcast.producers.feeder.policy.depth import IDLE_ROWS
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.submit import submit_requests
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.watchdog import Watchdog
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

ROWS = 3 * IDLE_ROWS  # of one voice, so that some wait for room


def test_a_feeder_tells_what_waits_until_its_term_is_over(settings: Settings) -> None:
    admin, watchdog, stop = Admin(settings), Watchdog(120.0), threading.Event()
    admin.ensure_topics()
    rows = [{"id": f"n-{n}", "text": f"Message number {n}.", "voice": "7"} for n in range(ROWS)]
    submit_requests(
        settings, rows, SubmitOptions(campaign="night", id_column="id", profiles=("wav",))
    )
    store = S3Store(settings.s3)
    feeder = Feeder(settings, store, admin.existing(), admin.cluster_id(), Readiness())
    running = threading.Thread(target=feeder.run, args=(stop, watchdog), daemon=True)
    running.start()
    eventually(lambda: metrics.value(metrics.FEED_DEPTH_ROWS) >= IDLE_ROWS, what="rows ahead")
    eventually(lambda: metrics.value(metrics.WORKERS_WANTED) == 1, what="a worker that is wanted")
    depth = metrics.value(metrics.FEED_DEPTH_AUDIO)
    assert 0 < depth <= metrics.value(metrics.BACKLOG_AUDIO)
    stop.set()
    running.join(60.0)
    watchdog.stop()
    assert not running.is_alive()
    gauges = (
        metrics.WORKERS_WANTED,
        metrics.BACKLOG_AUDIO,
        metrics.FEED_DEPTH_ROWS,
        metrics.LISTS_UNFED,
    )
    assert [metrics.value(gauge) for gauge in gauges] == [0] * len(gauges)
    assert math.isnan(metrics.value(metrics.DEADLINE_SLACK))
