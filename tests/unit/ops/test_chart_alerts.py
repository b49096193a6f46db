"""The chart's alerts use metrics, labels and commands that exist, and say what to do."""

import re
from typing import Any, get_args

import pytest

from ops.command_line import commands
from seedcast import metrics
from seedcast.schemas.messages import Status
from tests.unit.ops.chart import GATEWAY, NAME, ROOT, needs_helm, objects

pytestmark = needs_helm

OF_KUBE_STATE_METRICS = {
    "kube_deployment_status_replicas_available",
    "kube_deployment_spec_replicas",
}


@pytest.fixture(scope="module")
def alerts() -> list[dict[str, Any]]:
    made = objects("metrics.podMonitor=true", "metrics.rules=true", *GATEWAY)[
        "PrometheusRule", NAME
    ]
    return [rule for group in made["spec"]["groups"] for rule in group["rules"]]


def test_every_metric_is_registered_and_is_that_of_this_release(
    alerts: list[dict[str, Any]],
) -> None:
    registered = {name for name, *_ in metrics.table()}
    asked = [
        found
        for rule in alerts
        for found in re.findall(r"\b((?:seedcast|kube)_\w+)\{([^}]*)\}", rule["expr"])
    ]
    assert {name for name, _ in asked} - OF_KUBE_STATE_METRICS <= registered
    assert len({name for name, _ in asked} & registered) >= 5
    mentions = sum(len(re.findall(r"\b(?:seedcast|kube)_", rule["expr"])) for rule in alerts)
    assert mentions == len(asked)
    own = (
        f'job="default/{NAME}"',
        f'namespace="default",deployment=~"{NAME}-(feeder|gpu-consumer|postprocess|indexer)"',
        f'namespace="default",deployment="{NAME}-gateway"',
    )
    assert all(where.endswith(own) for _, where in asked)


def test_every_label_belongs_to_its_metric(alerts: list[dict[str, Any]]) -> None:
    labels = {name: set(filter(None, held.split(", "))) for name, _, held, _ in metrics.table()}
    for rule in alerts:
        named = set(re.findall(r"\bby \((\w+)\)", rule["expr"])) | set(
            re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
        )
        named -= {"deployment", "pod"}  # of what is asked, not of the metric
        known = set().union(*(labels[name] for name in labels if f"{name}{{" in rule["expr"]))
        assert named <= known, rule["alert"]
        assert {
            status
            for found in re.findall(r'results_total\{status(?:=|!=|=~|!~)"([^"]+)"', rule["expr"])
            for status in found.split("|")
        } <= set(get_args(Status))


def test_every_alert_says_what_happens_and_what_to_do(alerts: list[dict[str, Any]]) -> None:
    known = commands().keys()
    for rule in alerts:
        assert {"summary", "description"} <= rule["annotations"].keys()
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert len(rule["annotations"]["description"]) > 60
        description = rule["annotations"]["description"]
        named = re.findall(r"`seedcast ([a-z-]+(?: [a-z][a-z-]*)?)", description)
        assert set(named) <= known
    assert len({rule["alert"] for rule in alerts}) == len(alerts) >= 5


def test_every_worker_is_watched_and_so_is_what_the_feeder_holds(
    alerts: list[dict[str, Any]],
) -> None:
    asked = {name for rule in alerts for name in re.findall(r"seedcast_\w+", rule["expr"])}
    assert {
        "seedcast_feeder_active",
        "seedcast_lists_held",
        "seedcast_index_lists_held",
        "seedcast_lists_unfed_requests",
        "seedcast_requests_fed_total",
        "seedcast_deadline_slack_seconds",
        "seedcast_rows_without_result_total",
    } <= asked
    for rule in alerts:  # what is not the active feeder knows nothing of lists
        for gauge in re.findall(r"seedcast_(?:lists|deadline)_\w+\{[^}]*\}(.*)", rule["expr"]):
            assert gauge.startswith(" and seedcast_feeder_active{"), rule["alert"]


def test_routes_of_the_gateway_are_named_as_it_names_them(alerts: list[dict[str, Any]]) -> None:
    table = (ROOT / "producers" / "gateway" / "routes.py").read_text()
    named = {
        tuple(found)
        for rule in alerts
        for found in re.findall(r'route="(\w+) ([^"]+)"', rule["expr"])
    }
    assert named
    assert named <= set(re.findall(r'method="(\w+)",\s+path="([^"]+)"', table))


def test_every_alert_is_in_the_runbook(alerts: list[dict[str, Any]]) -> None:
    runbook = (ROOT / "docs" / "operating.md").read_text()
    rows = re.findall(r"^\| `(Seedcast\w+)` \|", runbook, re.MULTILINE)
    assert rows == [rule["alert"] for rule in alerts]


def test_without_a_gateway_nothing_watches_one() -> None:
    made = objects("metrics.podMonitor=true", "metrics.rules=true")["PrometheusRule", NAME]
    assert "gateway" not in str(made["spec"])
