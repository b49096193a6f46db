"""The Helm chart: what it sets is known to Seedcast and right, and where Helm is at hand, it renders."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from gpu_consumers.assignments import GROUP as GPU_GROUP
from gpu_consumers.parking import GROUP as PARKING_GROUP
from schemas.topics import AUDIO, AUDIO_URGENT, REQUESTS, REQUESTS_PARKED, REQUESTS_URGENT
from seedcast import settings
from seedcast.readiness import LIVE, READY
from stream_apps.configuration import GROUP as POSTPROCESS_GROUP

ROOT = Path(__file__).parents[3]
CHART = ROOT / "ops" / "helm" / "seedcast"
HELM = ROOT / ".tools" / "helm"
EVERYTHING = (
    "metrics.podMonitor=true",
    "gpuConsumer.gpus=1",
    "gpuConsumer.autoscaling.enabled=true",
    "postprocess.autoscaling.enabled=true",
    "tlsSecret=tls",
    "settings.SEEDCAST_KAFKA_PARTITIONS=1000000",
)


def test_every_variable_of_the_chart_is_a_setting() -> None:
    named = {name for file in CHART.rglob("*.*") for name in re.findall(r"\bSEEDCAST_[A-Z0-9_]+\b", file.read_text())} - {"SEEDCAST_"}
    assert named <= {variable for variable, *_ in settings.table()}
    assert len(named) > 10


def test_what_the_chart_sets_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in re.findall(r"^ +(SEEDCAST_\w+): *([^#\n]+?) *(?:#.*)?$", (CHART / "values.yaml").read_text(), re.MULTILINE):
        monkeypatch.setenv(name, value)
    assert settings.load().kafka.replication == 3


def test_lag_is_that_of_our_groups_and_topics() -> None:
    scaled = {file.stem: file.read_text() for file in (CHART / "templates").glob("*.yaml")}
    assert f'"group" "{GPU_GROUP}" "topics" (list "{REQUESTS.name}" "{REQUESTS_URGENT.name}")' in scaled["gpu-consumer"]
    assert f'"group" "{POSTPROCESS_GROUP}" "topics" (list "{AUDIO.name}" "{AUDIO_URGENT.name}")' in scaled["postprocess"]
    assert f'"waiting" (dict "group" "{PARKING_GROUP}" "topic" "{REQUESTS_PARKED.name}")' in scaled["gpu-consumer"]


def test_probes_ask_what_a_worker_answers() -> None:
    probes = dict(re.findall(r"(\w+)Probe:[^\n]*\n +httpGet: \{path: (/\w+), port: metrics\}", (CHART / "templates" / "_helpers.tpl").read_text()))
    assert probes == {"startup": LIVE, "readiness": READY, "liveness": LIVE}


needs_helm = pytest.mark.skipif(not HELM.exists() and "CI" not in os.environ, reason="Helm is not built: `make tools`, where Go is")


def render(*changes: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [HELM, "template", "night", CHART, *(part for change in changes for part in ("--set", change))]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_helm
def test_chart_renders_small_and_whole() -> None:
    small, whole = render(), render(*EVERYTHING)
    assert (small.returncode, whole.returncode) == (0, 0), small.stderr + whole.stderr
    assert "ScaledObject" not in small.stdout
    assert whole.stdout.count("kind: ScaledObject") == 2
    assert whole.stdout.count("consumerGroup: seedcast.parking") == whole.stdout.count("topic: seedcast.requests.parked") == 1
    assert "nvidia.com/gpu: 1" in whole.stdout
    assert 'SEEDCAST_KAFKA_PARTITIONS: "1000000"' in whole.stdout


@needs_helm
@pytest.mark.parametrize(
    ("change", "named"),
    [("gpuConsumer.terminationGracePeriodSeconds=20", "SEEDCAST_GPU_DRAIN"), ("gpuConsumer.replica=2", "replica"), ("settings.KAFKA=x", "KAFKA")],
)
def test_wrong_value_is_refused_by_name(change: str, named: str) -> None:
    refused = render(change)
    assert refused.returncode != 0
    assert named in refused.stderr
