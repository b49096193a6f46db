"""What the chart refuses, by name, before anything is applied."""

import pytest
from pydantic import BaseModel, SecretStr

from seedcast.settings import PREFIX, GpuSettings, Settings
from stream_apps.postprocess.app import STOP
from tests.unit.ops.chart import helm, needs_helm

pytestmark = needs_helm

PLACES = ("settings", "gpuConsumer.settings", "postprocess.settings")
SECRETS = [
    f"{PREFIX}{section}_{field}".upper()
    for section, held in Settings.model_fields.items()
    if isinstance(held.default, BaseModel)
    for field, info in type(held.default).model_fields.items()
    if info.annotation is SecretStr
]


def refusal(*changes: str) -> str:
    refused = helm("template", *changes)
    assert refused.returncode != 0
    assert "nil pointer" not in refused.stderr
    return refused.stderr


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("gpuConsumer.replica=2", "replica"),
        ("settings.KAFKA=x", "KAFKA"),
        ('gpuConsumer.extraEnv=[{"value":"x"}]', "name"),
        ('gpuConsumer.extraEnv=[{"name":"A","value":1}]', "value"),
        ("metrics.rules=true", "metrics.podMonitor"),
    ],
)
def test_wrong_value(change: str, named: str) -> None:
    assert named in refusal(change)


@pytest.mark.parametrize(
    "key",
    [
        "settings",
        "metrics",
        "serviceAccount",
        "gpuConsumer.settings",
        "gpuConsumer.autoscaling",
        "gpuConsumer.autoscaling.maxReplicas",
        "postprocess.settings",
    ],
)
def test_null_for_what_is_needed(key: str) -> None:
    assert key.rpartition(".")[2] in refusal(f"{key}=null")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "name", ["SEEDCAST_HOME", "SEEDCAST_METRICS_HOST", "SEEDCAST_METRICS_PORT"]
)
def test_what_the_chart_sets_itself(place: str, name: str) -> None:
    assert f"{place}.{name}: the chart sets it" in refusal(f"{place}.{name}=9")


@pytest.mark.parametrize("place", PLACES)
def test_profiles_twice(place: str) -> None:
    assert "profiles" in refusal(f"{place}.SEEDCAST_POSTPROCESS_PROFILES=/a.toml", "profiles=rows")
    assert helm("template", f"{place}.SEEDCAST_POSTPROCESS_PROFILES=/a.toml").returncode == 0


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", [*SECRETS, "SEEDCAST_S3_ACCESS_KEY"])
def test_a_secret_outside_the_secret(place: str, name: str) -> None:
    assert len(SECRETS) >= 4
    told = refusal(f"{place}.{name}=hush")
    assert f"{place}.{name}" in told
    assert "existingSecret" in told
    assert "hush" not in told


def test_a_setting_that_a_workers_own_would_hide() -> None:
    told = refusal("settings.SEEDCAST_GPU_ENGINE=chattts")
    assert "settings.SEEDCAST_GPU_ENGINE: expected espeak, as gpuConsumer.settings has it" in told
    assert "postprocess.settings" in refusal("settings.SEEDCAST_POSTPROCESS_THREADS=3")
    assert helm("template", "settings.SEEDCAST_POSTPROCESS_THREADS=2").returncode == 0
    assert helm("template", "gpuConsumer.settings.SEEDCAST_GPU_ENGINE=chattts").returncode == 0


@pytest.mark.parametrize(
    "name", ["HOME", "SEEDCAST_METRICS_PORT", "SEEDCAST_KAFKA_PREFIX", "SEEDCAST_GPU_ENGINE"]
)
def test_a_variable_that_is_set_already(name: str) -> None:
    assert f"got {name}" in refusal(f'gpuConsumer.extraEnv=[{{"name":"{name}","value":"x"}}]')


def grace(place: str, seconds: int, *changes: str) -> str:
    return helm("template", f"{place}.terminationGracePeriodSeconds={seconds}", *changes).stderr


def test_too_little_time_to_drain() -> None:
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


def test_too_little_time_for_post_processing_to_stop() -> None:
    assert "postprocess.terminationGracePeriodSeconds" in grace("postprocess", int(STOP) + 4)
    assert not grace("postprocess", int(STOP) + 5)
