"""The chart's workers: the contents of their pods, and how they are replaced and scaled."""

import json
from typing import Any

import pytest

from ops.command_line import commands
from tests.unit.ops.chart import (
    EXAMPLE,
    NAME,
    SCALED,
    deployment,
    environment,
    needs_helm,
    objects,
    pod,
)

pytestmark = needs_helm

KINDS = pytest.mark.parametrize(
    ("kind", "section"),
    [
        ("feeder", "feeder"),
        ("indexer", "indexer"),
        ("gateway", "gateway"),
        ("gpu-consumer", "gpuConsumer"),
        ("postprocess", "postprocess"),
    ],
)
WRITABLE = "/tmp"  # noqa: S108
ONE_AT_A_TIME = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


@KINDS
def test_caches_are_in_the_one_writable_folder(kind: str, section: str) -> None:
    container = pod(kind)["containers"][0]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert environment(kind)["HOME"] == environment(kind)["NUMBA_CACHE_DIR"] == WRITABLE
    assert environment(kind)["USER"]
    assert {"name": "tmp", "mountPath": WRITABLE} in container["volumeMounts"]


@KINDS
def test_a_pod_has_everything_that_its_values_add(kind: str, section: str) -> None:
    env = [
        {"name": "SSL_CERT_FILE", "value": "/ca/ca.pem"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]
    volumes = [{"name": "ca", "configMap": {"name": "ca"}}]
    mounts = [{"name": "ca", "mountPath": "/ca"}]
    constraints = [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]
    added = pod(
        kind,
        f"{section}.extraEnv={json.dumps(env)}",
        f"{section}.extraVolumes={json.dumps(volumes)}",
        f"{section}.extraVolumeMounts={json.dumps(mounts)}",
        f"{section}.topologySpreadConstraints={json.dumps(constraints)}",
        f"{section}.runtimeClassName=nvidia",
        f"{section}.priorityClassName=nightly",
    )
    container = added["containers"][0]
    assert [entry["name"] for entry in container["env"]][-2:] == ["SSL_CERT_FILE", "TOKEN"]
    assert {"name": "ca", "mountPath": "/ca"} in container["volumeMounts"]
    assert {"name": "ca", "configMap": {"name": "ca"}} in added["volumes"]
    assert (added["runtimeClassName"], added["priorityClassName"]) == ("nvidia", "nightly")
    assert added["topologySpreadConstraints"][0]["topologyKey"] == "zone"


@pytest.mark.sample(4)
@KINDS
@pytest.mark.parametrize(
    ("file", "variable"),
    [("profiles", "SEEDCAST_POSTPROCESS_PROFILES"), ("lexicon", "SEEDCAST_LEXICON")],
)
def test_a_file_of_the_values_is_mounted_and_named(
    kind: str, section: str, file: str, variable: str
) -> None:
    rendered = objects(f"{file}=rows")
    assert rendered["ConfigMap", f"{NAME}-{file}"]["data"] == {f"{file}.toml": "rows\n"}
    named = rendered["ConfigMap", NAME]["data"][variable]
    assert named == f"/etc/seedcast/{file}/{file}.toml"
    spec = pod(kind, f"{file}=rows")
    [mount] = [m for m in spec["containers"][0]["volumeMounts"] if m["name"] == file]
    assert named.startswith(mount["mountPath"] + "/")
    assert {"name": file, "configMap": {"name": f"{NAME}-{file}"}} in spec["volumes"]
    assert not [key for key in objects() if key == ("ConfigMap", f"{NAME}-{file}")]


def test_a_pod_with_a_gpu_leaves_before_its_successor_comes() -> None:
    assert deployment("gpu-consumer", "gpuConsumer.gpus=1")["strategy"] == ONE_AT_A_TIME
    assert "strategy" not in deployment("gpu-consumer")
    recreated = deployment(
        "gpu-consumer", "gpuConsumer.gpus=1", "gpuConsumer.strategy.type=Recreate"
    )
    assert recreated["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    ("changes", "budget"),
    [
        (("gpuConsumer.replicas=1",), None),
        (("gpuConsumer.replicas=2",), 1),
        (("gpuConsumer.replicas=1", *SCALED), 1),
        (
            (
                "gpuConsumer.replicas=2",
                *SCALED,
                "gpuConsumer.autoscaling.maxReplicas=1",
            ),
            None,
        ),
        (("gpuConsumer.replicas=2", "gpuConsumer.podDisruptionBudget.maxUnavailable=25%"), "25%"),
        (("gpuConsumer.replicas=2", "gpuConsumer.podDisruptionBudget.enabled=false"), None),
    ],
)
def test_several_pods_are_drained_one_at_a_time(
    changes: tuple[str, ...], budget: int | str | None
) -> None:
    made = objects(*changes)
    spec = made.get(("PodDisruptionBudget", f"{NAME}-gpu-consumer"), {}).get("spec")
    assert (spec and spec["maxUnavailable"]) == budget
    if spec:
        assert spec["selector"] == made["Deployment", f"{NAME}-gpu-consumer"]["spec"]["selector"]


def test_one_feeder_stands_by_for_the_active_one_and_neither_scales() -> None:
    made = objects(*SCALED, "postprocess.autoscaling.enabled=true")
    assert made["Deployment", f"{NAME}-feeder"]["spec"]["replicas"] == 2
    assert made["PodDisruptionBudget", f"{NAME}-feeder"]["spec"]["maxUnavailable"] == 1
    scaled = {name for kind, name in made if kind == "ScaledObject"}
    assert scaled == {f"{NAME}-gpu-consumer", f"{NAME}-postprocess"}


@KINDS
def test_a_pod_runs_its_worker(kind: str, section: str) -> None:
    container = pod(kind)["containers"][0]
    assert " ".join(container["args"]) in commands()
    assert kind in container["args"]
    assert {"readinessProbe", "livenessProbe", "startupProbe"} <= container.keys()


def test_advanced_values_reach_keda() -> None:
    changes = (
        "postprocess.autoscaling.enabled=true",
        'postprocess.autoscaling.advanced={"restoreToOriginalReplicaCount":true}',
    )
    scaled = objects(*changes)["ScaledObject", f"{NAME}-postprocess"]["spec"]
    assert scaled["advanced"] == {"restoreToOriginalReplicaCount": True}


def test_labels_for_prometheus_are_added() -> None:
    made = objects(
        "metrics.podMonitor=true",
        "metrics.rules=true",
        "metrics.podMonitorLabels.release=prometheus",
        "metrics.ruleLabels.role=alerts",
    )
    assert made["PodMonitor", NAME]["metadata"]["labels"]["release"] == "prometheus"
    assert made["PrometheusRule", NAME]["metadata"]["labels"]["role"] == "alerts"
    assert made["PodMonitor", NAME]["metadata"]["labels"]["app.kubernetes.io/instance"] == NAME


def test_the_example_runs_chattts_on_one_gpu_per_pod_with_its_weights() -> None:
    made = objects(values=EXAMPLE)
    spec: dict[str, Any] = made["Deployment", f"{NAME}-gpu-consumer"]["spec"]
    container = spec["template"]["spec"]["containers"][0]
    settings = environment("gpu-consumer", values=EXAMPLE)
    assert settings["SEEDCAST_GPU_ENGINE"] == "chattts"
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert spec["strategy"] == ONE_AT_A_TIME
    claims = [
        volume["name"]
        for volume in spec["template"]["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert [
        mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] in claims
    ] == [settings["SEEDCAST_GPU_MODELS"]]
    assert made["ScaledObject", f"{NAME}-gpu-consumer"]["spec"]["minReplicaCount"] == 1


def test_the_example_fixes_every_setting_of_the_fingerprint() -> None:
    settings = environment("gpu-consumer", values=EXAMPLE)
    chosen = {
        name: settings.get(f"SEEDCAST_GPU_{name}", "0")
        for name in ("DEVICE", "PRECISION", "SLOTS", "THREADS")
    }
    assert not {"0", "auto"} & set(chosen.values()), chosen
