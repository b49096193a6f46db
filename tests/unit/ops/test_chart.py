"""The Helm chart sets only settings that Seedcast knows and accepts, and it renders."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedcast import settings
from seedcast.health import LIVE, READY
from seedcast.schemas.topics import (
    AUDIO,
    AUDIO_URGENT,
    GPU_CONSUMERS,
    POSTPROCESS,
    REQUESTS,
    REQUESTS_URGENT,
)
from tests.unit.ops.chart import (
    CHART,
    EXAMPLE,
    GATEWAY,
    SCALED,
    environment,
    helm,
    needs_helm,
    objects,
)

EVERYTHING = (
    *SCALED,
    *GATEWAY,
    "gateway.autoscaling.enabled=true",
    "gateway.ingress.enabled=true",
    "gateway.ingress.host=speech.example.org",
    "gateway.httpRoute.enabled=true",
    'gateway.httpRoute.parentRefs=[{"name":"public"}]',
    "metrics.rules=true",
    "gpuConsumer.gpus=1",
    "postprocess.autoscaling.enabled=true",
    "tlsSecret=tls",
    "settings.SEEDCAST_KAFKA_PARTITIONS=1000000",
)

NAMED = (
    "existingSecret",
    "tlsSecret",
    "indexPasswordSecret",
    "serviceAccount.name",
    "gpuConsumer.runtimeClassName",
    "gpuConsumer.priorityClassName",
    "gpuConsumer.autoscaling.authenticationRef",
    "gpuConsumer.autoscaling.prometheus.authenticationRef",
    "gateway.accounts.passwordSecret",
    "gateway.index.passwordSecret",
    "gateway.limitsPasswordSecret",
    "gateway.ingress.className",
    "gateway.ingress.tlsSecret",
)
FRONT = {"Service", "Ingress", "HTTPRoute", "HorizontalPodAutoscaler"}  # of gateways


def test_every_variable_of_the_chart_is_a_setting() -> None:
    named = {
        name
        for file in CHART.rglob("*.*")
        for name in re.findall(r"\bSEEDCAST_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_])", file.read_text())
    }
    assert named <= {variable for variable, *_ in settings.table()}
    assert len(named) > 10


def test_seedcast_accepts_the_settings_of_the_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in re.findall(
        r"^ +(SEEDCAST_\w+): *([^#\n]+?) *(?:#.*)?$",
        (CHART / "values.yaml").read_text(),
        re.MULTILINE,
    ):
        monkeypatch.setenv(name, value)
    assert settings.load().kafka.replication == 3


def test_the_chart_scales_by_the_lag_of_our_groups_and_topics() -> None:
    scaled = {file.stem: file.read_text() for file in (CHART / "templates").glob("*.yaml")}
    assert (
        f'"group" "{GPU_CONSUMERS.name}" "topics" (list "{REQUESTS.name}" "{REQUESTS_URGENT.name}")'
        in scaled["gpu-consumer"]
    )
    assert (
        f'"group" "{POSTPROCESS.name}" "topics" (list "{AUDIO.name}" "{AUDIO_URGENT.name}")'
        in scaled["postprocess"]
    )


def test_probes_ask_for_paths_that_a_worker_serves() -> None:
    probes = dict(
        re.findall(
            r"(\w+)Probe:[^\n]*\n +httpGet: \{path: (/\w+), port: metrics\}",
            (CHART / "templates" / "_deployment.tpl").read_text(),
        )
    )
    assert probes == {"startup": LIVE, "readiness": READY, "liveness": LIVE}


@needs_helm
def test_the_chart_renders_with_defaults_and_with_everything() -> None:
    small, whole = objects(), objects(*EVERYTHING)
    added = {"ScaledObject", "PodMonitor", "PrometheusRule"} | FRONT
    assert not added & {kind for kind, _ in small}
    assert added <= {kind for kind, _ in whole}
    triggers = [
        (
            trigger["metadata"]["consumerGroup"],
            trigger["metadata"]["topic"],
            trigger["metadata"]["offsetResetPolicy"],
        )
        for (kind, _), made in whole.items()
        if kind == "ScaledObject"
        for trigger in made["spec"]["triggers"]
        if trigger["type"] == "kafka"
    ]
    assert len(triggers) == 4
    assert {policy for *_, policy in triggers} == {"latest"}, (
        "with `earliest` KEDA counts a whole log without a commit as lag, and starts all GPUs"
    )
    assert whole["ConfigMap", "night"]["data"]["SEEDCAST_KAFKA_PARTITIONS"] == "1000000"


@needs_helm
@pytest.mark.parametrize("name", ["n", "2026", "1e3", "null"])
def test_names_that_yaml_reads_as_something_else_stay_names(name: str) -> None:
    changes = (
        *EVERYTHING,
        "settings.SEEDCAST_KAFKA_PREFIX=2026",
        *(f'{place}="{name}"' for place in NAMED),
    )
    found = list(names_of(list(objects(*changes, release=name).values())))
    assert found.count(name) > 20
    assert [each for each in found if not isinstance(each, str)] == []
    assert "2026.requests" in found


def names_of(made: object) -> Iterator[object]:
    """Every value that names something: labels, objects, secrets, groups and topics."""
    if isinstance(made, list):
        for each in made:
            yield from names_of(each)
    if isinstance(made, dict):
        for key, value in made.items():
            if key.endswith(("name", "Name", "instance", "Group", "topic")):
                yield value
            yield from names_of(value)


@needs_helm
@pytest.mark.parametrize(
    ("changes", "values"),
    [((), None), ((), EXAMPLE), (EVERYTHING, None)],
    ids=["default", "chattts", "everything"],
)
def test_lint_finds_nothing(changes: tuple[str, ...], values: Path | None) -> None:
    linted = helm("lint", *changes, values=values)
    assert linted.returncode == 0, linted.stdout
    assert "WARNING" not in linted.stdout


@needs_helm
@pytest.mark.parametrize("kind", ["feeder", "gpu-consumer", "postprocess", "indexer", "gateway"])
def test_a_worker_accepts_the_settings_of_its_pod(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(kind, values=EXAMPLE).items():
        monkeypatch.setenv(name, value)
    assert settings.load().metrics.port == 9100
