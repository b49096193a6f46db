"""The probes beside the metrics: ready while every need is met, alive as long as it answers."""

import json
from http.client import HTTPConnection

import pytest

from seedcast import metrics
from seedcast.health import LIVE, READY, Readiness
from seedcast.settings import MetricsSettings


def get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    connection = HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def ready(port: int) -> tuple[int, list[str]]:
    status, body = get(port, READY)
    answer = json.loads(body)
    assert answer["ready"] is (status == 200)
    return status, answer["missing"]


def test_ready_names_the_needs_that_are_not_met_or_were_withdrawn() -> None:
    readiness = Readiness("model", "lock", "assignment")
    port = metrics.serve(MetricsSettings(), readiness)
    assert ready(port) == (503, ["model", "lock", "assignment"])
    readiness.meet("lock")
    readiness.meet("model")
    assert ready(port) == (503, ["assignment"])
    readiness.meet("assignment")
    assert ready(port) == (200, [])
    readiness.withdraw("assignment")
    assert ready(port) == (503, ["assignment"])


def test_a_need_that_is_withdrawn_before_it_is_met_stays_missing() -> None:
    readiness = Readiness("assignment")
    readiness.withdraw("assignment")
    readiness.meet("assignment")
    assert readiness.missing == ("assignment",)


def test_a_process_that_answers_is_alive() -> None:
    assert get(metrics.serve(MetricsSettings(), Readiness("model")), LIVE) == (
        200,
        '{"live": true, "missing": []}',
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_metrics_are_served_over_ipv4_and_ipv6(host: str) -> None:
    status, body = get(metrics.serve(MetricsSettings(host=host)), "/metrics", host)
    assert status == 200
    assert "seedcast_requests_taken_total" in body
