"""The Helm chart: what it sets is known to Seedcast and right, and where Helm is at hand, it renders."""

import re
from pathlib import Path

import pytest

from gpu_consumers.assignments import GROUP as GPU_GROUP
from gpu_consumers.parking import GROUP as PARKING_GROUP
from schemas.topics import AUDIO, AUDIO_URGENT, REQUESTS, REQUESTS_PARKED, REQUESTS_URGENT
from seedcast import settings
from seedcast.health import LIVE, READY
from stream_apps.postprocess.faust_app import GROUP as POSTPROCESS_GROUP
from tests.unit.ops.chart import CHART, EXAMPLE, environment, helm, needs_helm, objects

EVERYTHING = (
    "metrics.podMonitor=true",
    "metrics.rules=true",
    "gpuConsumer.gpus=1",
    "gpuConsumer.autoscaling.enabled=true",
    "postprocess.autoscaling.enabled=true",
    "tlsSecret=tls",
    "settings.SEEDCAST_KAFKA_PARTITIONS=1000000",
)


def test_every_variable_of_the_chart_is_a_setting() -> None:
    named = {
        name
        for file in CHART.rglob("*.*")
        for name in re.findall(r"\bSEEDCAST_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_])", file.read_text())
    }
    assert named <= {variable for variable, *_ in settings.table()}
    assert len(named) > 10


def test_what_the_chart_sets_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in re.findall(
        r"^ +(SEEDCAST_\w+): *([^#\n]+?) *(?:#.*)?$",
        (CHART / "values.yaml").read_text(),
        re.MULTILINE,
    ):
        monkeypatch.setenv(name, value)
    assert settings.load().kafka.replication == 3


def test_lag_is_that_of_our_groups_and_topics() -> None:
    scaled = {file.stem: file.read_text() for file in (CHART / "templates").glob("*.yaml")}
    assert (
        f'"group" "{GPU_GROUP}" "topics" (list "{REQUESTS.name}" "{REQUESTS_URGENT.name}")'
        in scaled["gpu-consumer"]
    )
    assert (
        f'"group" "{POSTPROCESS_GROUP}" "topics" (list "{AUDIO.name}" "{AUDIO_URGENT.name}")'
        in scaled["postprocess"]
    )
    assert (
        f'"waiting" (dict "group" "{PARKING_GROUP}" "topic" "{REQUESTS_PARKED.name}")'
        in scaled["gpu-consumer"]
    )


def test_probes_ask_what_a_worker_answers() -> None:
    probes = dict(
        re.findall(
            r"(\w+)Probe:[^\n]*\n +httpGet: \{path: (/\w+), port: metrics\}",
            (CHART / "templates" / "_deployment.tpl").read_text(),
        )
    )
    assert probes == {"startup": LIVE, "readiness": READY, "liveness": LIVE}


@needs_helm
def test_chart_renders_small_and_whole() -> None:
    small, whole = objects(), objects(*EVERYTHING)
    assert not {"ScaledObject", "PodMonitor", "PrometheusRule"} & {kind for kind, _ in small}
    triggers = [
        (
            trigger["metadata"]["consumerGroup"],
            trigger["metadata"]["topic"],
            trigger["metadata"]["offsetResetPolicy"],
        )
        for (kind, _), made in whole.items()
        if kind == "ScaledObject"
        for trigger in made["spec"]["triggers"]
    ]
    assert triggers.count(("seedcast.parking", "seedcast.requests.parked", "latest")) == 1
    assert len(triggers) == 5
    assert {policy for *_, policy in triggers} == {"latest"}, (
        "with earliest KEDA takes a log without a commit for lag, and starts all GPUs"
    )
    assert whole["ConfigMap", "night"]["data"]["SEEDCAST_KAFKA_PARTITIONS"] == "1000000"


@needs_helm
@pytest.mark.parametrize("values", [None, EXAMPLE], ids=["default", "chattts"])
def test_lint_finds_nothing(values: Path | None) -> None:
    linted = helm("lint", values=values)
    assert linted.returncode == 0, linted.stdout
    assert "WARNING" not in linted.stdout


@needs_helm
@pytest.mark.parametrize("kind", ["gpu-consumer", "postprocess"])
def test_a_worker_starts_on_what_its_pod_gets(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(kind, values=EXAMPLE).items():
        monkeypatch.setenv(name, value)
    assert settings.load().metrics.port == 9100
