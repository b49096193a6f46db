"""GPU consumers scale by what the active feeder wants, and start from zero by lag."""

from typing import Any

import pytest

from seedcast import metrics
from seedcast.producers.feeder.policy.depth import IDLE_ROWS
from seedcast.settings import FeederSettings
from tests.unit.ops.chart import NAME, SCALED, helm, needs_helm, objects

pytestmark = needs_helm

POSTPROCESS = "postprocess.autoscaling.enabled=true"
QUERY = "gpuConsumer.autoscaling.prometheus.query=sum(wanted)"


def triggers(kind: str, *changes: str) -> list[dict[str, Any]]:
    made = objects(*SCALED, POSTPROCESS, *changes)
    return list(made["ScaledObject", f"{NAME}-{kind}"]["spec"]["triggers"])


def test_the_number_of_pods_is_what_the_active_feeder_of_this_release_wants() -> None:
    first, *others = triggers("gpu-consumer")
    asked = first["metadata"]
    job = f'{{job="default/{NAME}"}}'
    assert asked["query"] == (
        f"max(seedcast_workers_wanted{job} and seedcast_feeder_active{job} == 1)"
    )
    assert {"seedcast_workers_wanted", "seedcast_feeder_active"} <= {
        name for name, *_ in metrics.table()
    }
    assert (first["type"], first["metricType"], asked["threshold"]) == (
        "prometheus",
        "AverageValue",
        "1",
    ), "KEDA divides by the threshold, and with Value multiplies by the pods that there are"
    assert asked["serverAddress"] == "http://prometheus:9090"
    assert {other["type"] for other in others} == {"kafka"}


def test_while_prometheus_or_the_feeder_is_silent_the_pods_stay_as_many_as_they_are() -> None:
    """KEDA takes an empty answer for 0 unless told otherwise, and its fallback fails from zero."""
    spec = objects(*SCALED)["ScaledObject", f"{NAME}-gpu-consumer"]["spec"]
    assert spec["triggers"][0]["metadata"]["ignoreNullValues"] == "false"
    assert "fallback" not in spec


def test_lag_starts_the_first_pod_and_what_lists_keep_ahead_starts_no_other() -> None:
    partitions = int(objects()["ConfigMap", NAME]["data"]["SEEDCAST_KAFKA_PARTITIONS"])
    for lag in triggers("gpu-consumer")[1:]:
        assert "activationLagThreshold" not in lag["metadata"], "any lag starts the first"
        threshold = int(lag["metadata"]["lagThreshold"])
        assert threshold > IDLE_ROWS * partitions
        rows_per_second = threshold / FeederSettings().ahead
        assert rows_per_second > 500, "no worker speaks as many; a new pod would start the next"


def test_post_processing_scales_by_lag_alone() -> None:
    assert {trigger["type"] for trigger in triggers("postprocess")} == {"kafka"}


def test_an_own_query_and_credentials_reach_keda() -> None:
    first, *_ = triggers(
        "gpu-consumer", QUERY, "gpuConsumer.autoscaling.prometheus.authenticationRef=bearer"
    )
    assert first["metadata"]["query"] == "sum(wanted)"
    assert first["authenticationRef"] == {"name": "bearer"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ((SCALED[0], SCALED[2]), "prometheus.serverAddress: expected"),
        (SCALED[:2], "metrics.podMonitor=true"),
    ],
)
def test_scaling_that_would_find_no_figure_is_refused(changes: tuple[str, ...], named: str) -> None:
    assert named in helm("template", *changes).stderr
    assert helm("template", *SCALED[:2], QUERY).returncode == 0
