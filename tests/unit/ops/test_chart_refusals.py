"""The chart refuses wrong values by name, before anything is applied."""

from inspect import signature

import pytest
from pydantic import BaseModel, SecretStr

from seedcast.kafka import Producer
from seedcast.settings import PREFIX, GpuSettings, Settings
from seedcast.stream_apps.postprocess.app import STOP
from tests.unit.ops.chart import helm, needs_helm

pytestmark = needs_helm

SECTIONS = ("settings", "feeder.settings", "gpuConsumer.settings", "postprocess.settings")
SECRETS = [
    f"{PREFIX}{section}_{field}".upper()
    for section, group in Settings.model_fields.items()
    if isinstance(group.default, BaseModel)
    for field, info in type(group.default).model_fields.items()
    if info.annotation is SecretStr
]


def refusal(*changes: str) -> str:
    refused = helm("template", *changes)
    assert refused.returncode != 0
    assert "nil pointer" not in refused.stderr
    return refused.stderr


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("gpuConsumer.replica=2", "replica"),
        ("settings.KAFKA=x", "KAFKA"),
        ('gpuConsumer.extraEnv=[{"value":"x"}]', "name"),
        ('gpuConsumer.extraEnv=[{"name":"A","value":1}]', "value"),
        ("metrics.rules=true", "metrics.podMonitor"),
        ("feeder.replicas=0", "feeder/replicas"),  # nothing else releases a list
        ("feeder.gpus=1", "feeder/gpus"),
        ("feeder.autoscaling.enabled=true", "feeder/autoscaling"),
        ("gpuConsumer.autoscaling.prometheus.serverAddress=prometheus:9090", "serverAddress"),
        ("postprocess.autoscaling.prometheus.query=1", "postprocess/autoscaling/prometheus"),
    ],
)
def test_a_wrong_value_is_refused(change: str, named: str) -> None:
    assert named in refusal(change)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "key",
    [
        "settings",
        "metrics",
        "serviceAccount",
        "feeder.settings",
        "gpuConsumer.settings",
        "gpuConsumer.autoscaling",
        "postprocess.autoscaling",
        "gpuConsumer.autoscaling.maxReplicas",
        "gpuConsumer.autoscaling.prometheus",
        "postprocess.settings",
    ],
)
def test_null_for_a_required_value_is_refused(key: str) -> None:
    assert key.rpartition(".")[2] in refusal(f"{key}=null")


@pytest.mark.sample(4)
@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize(
    "name", ["SEEDCAST_HOME", "SEEDCAST_METRICS_HOST", "SEEDCAST_METRICS_PORT"]
)
def test_a_setting_that_the_chart_sets_itself_is_refused(section: str, name: str) -> None:
    assert f"{section}.{name}: the chart sets it" in refusal(f"{section}.{name}=9")


@pytest.mark.sample(4)
@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize(
    ("file", "variable"),
    [("profiles", "SEEDCAST_POSTPROCESS_PROFILES"), ("lexicon", "SEEDCAST_LEXICON")],
)
def test_a_file_given_twice_is_refused(section: str, file: str, variable: str) -> None:
    assert file in refusal(f"{section}.{variable}=/a.toml", f"{file}=rows")
    assert helm("template", f"{section}.{variable}=/a.toml").returncode == 0


@pytest.mark.sample(12)
@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("name", [*SECRETS, "SEEDCAST_S3_ACCESS_KEY", "SEEDCAST_S3_SESSION_TOKEN"])
def test_a_secret_outside_of_a_kubernetes_secret_is_refused(section: str, name: str) -> None:
    assert len(SECRETS) >= 4
    message = refusal(f"{section}.{name}=hush")
    assert f"{section}.{name}" in message
    assert "existingSecret" in message
    assert "hush" not in message


def test_a_common_setting_that_a_workers_own_setting_hides_is_refused() -> None:
    message = refusal("settings.SEEDCAST_GPU_ENGINE=chattts")
    assert (
        "settings.SEEDCAST_GPU_ENGINE: expected nothing, or espeak as in gpuConsumer.settings"
        in message
    )
    assert "postprocess.settings" in refusal("settings.SEEDCAST_POSTPROCESS_THREADS=3")
    assert helm("template", "settings.SEEDCAST_POSTPROCESS_THREADS=2").returncode == 0
    assert helm("template", "gpuConsumer.settings.SEEDCAST_GPU_ENGINE=chattts").returncode == 0


@pytest.mark.parametrize(
    "name", ["HOME", "SEEDCAST_METRICS_PORT", "SEEDCAST_KAFKA_PREFIX", "SEEDCAST_GPU_ENGINE"]
)
def test_an_extra_variable_that_is_set_already_is_refused(name: str) -> None:
    assert f"got {name}" in refusal(f'gpuConsumer.extraEnv=[{{"name":"{name}","value":"x"}}]')


def grace(section: str, seconds: int, *changes: str) -> str:
    return helm("template", f"{section}.terminationGracePeriodSeconds={seconds}", *changes).stderr


def test_a_grace_period_shorter_than_the_drain_is_refused() -> None:
    least = int(GpuSettings().drain) + 30
    unset = "gpuConsumer.settings.SEEDCAST_GPU_DRAIN=null"
    assert f"expected at least {least}" in grace("gpuConsumer", least - 1, unset)
    assert not grace("gpuConsumer", least, unset)
    assert "SEEDCAST_GPU_DRAIN (50 s)" in grace(
        "gpuConsumer", 79, "gpuConsumer.settings.SEEDCAST_GPU_DRAIN=50"
    )
    assert "SEEDCAST_GPU_DRAIN (50 s)" in grace(
        "gpuConsumer", 79, unset, "settings.SEEDCAST_GPU_DRAIN=50"
    )
    assert not grace("gpuConsumer", 80, "gpuConsumer.settings.SEEDCAST_GPU_DRAIN=50")


def test_a_grace_period_too_short_for_post_processing_is_refused() -> None:
    assert "postprocess.terminationGracePeriodSeconds" in grace("postprocess", int(STOP) + 4)
    assert not grace("postprocess", int(STOP) + 5)


def test_a_grace_period_too_short_to_write_cursors_is_refused() -> None:
    waits = signature(Producer.deliver).parameters["timeout"].default
    assert "feeder.terminationGracePeriodSeconds" in grace("feeder", int(waits) + 4)
    assert not grace("feeder", int(waits) + 5)
