"""Renders the chart with Helm, for the tests in this folder."""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "ops" / "helm" / "seedcast"
EXAMPLE = CHART / "examples" / "chattts.yaml"
HELM = ROOT / ".tools" / "helm"
NAME = "night"
# The GPU consumers scale. This is the least that it takes.
SCALED = (
    "gpuConsumer.autoscaling.enabled=true",
    "gpuConsumer.autoscaling.prometheus.serverAddress=http://prometheus:9090",
    "metrics.podMonitor=true",
)
GATEWAY = (
    "gateway.enabled=true",
    "gateway.accounts.url=postgresql://gateway@postgresql/seedcast_accounts",
    "gateway.index.url=postgresql://reader@postgresql/seedcast",
)
_NEEDED = {"gateway": GATEWAY}  # by kind of worker: without these it does not run

needs_helm = pytest.mark.skipif(
    not HELM.exists() and "CI" not in os.environ,
    reason="Helm is not built: `make tools`, where Go is",
)


def helm(
    verb: str,
    *changes: str,
    values: Path | None = None,
    chart: Path = CHART,
    release: str = NAME,
) -> subprocess.CompletedProcess[str]:
    """Run Helm. `changes` are arguments of --set; one beginning with [, { or a quote is JSON."""
    if chart == CHART and values in (None, EXAMPLE):  # these files do not change meanwhile
        return _helm_once(verb, changes, values, release)
    return _helm(verb, changes, values, chart, release)


@cache
def _helm_once(
    verb: str, changes: tuple[str, ...], values: Path | None, release: str
) -> subprocess.CompletedProcess[str]:
    return _helm(verb, changes, values, CHART, release)


def _helm(
    verb: str, changes: tuple[str, ...], values: Path | None, chart: Path, release: str
) -> subprocess.CompletedProcess[str]:
    named = [release] if verb == "template" else []
    files = ["-f", values] if values else []
    command: list[str | Path] = [HELM, verb, *named, chart, *files]
    for change in changes:
        structured = change.partition("=")[2][:1] in ("[", "{", '"')
        command += ["--set-json" if structured else "--set", change]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def objects(
    *changes: str, values: Path | None = None, chart: Path = CHART, release: str = NAME
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the objects that Helm would apply, by kind and name."""
    rendered = helm("template", *changes, values=values, chart=chart, release=release)
    assert rendered.returncode == 0, rendered.stderr
    return {
        (one["kind"], one["metadata"]["name"]): one
        for one in yaml.safe_load_all(rendered.stdout)
        if one
    }


def deployment(kind: str, *changes: str, values: Path | None = None) -> dict[str, Any]:
    """Return the `spec` of a worker's Deployment."""
    made = objects(*_NEEDED.get(kind, ()), *changes, values=values)
    return dict(made["Deployment", f"{NAME}-{kind}"]["spec"])


def pod(kind: str, *changes: str, values: Path | None = None) -> dict[str, Any]:
    """Return the `spec` of a worker's pods."""
    return dict(deployment(kind, *changes, values=values)["template"]["spec"])


def environment(kind: str, *changes: str, values: Path | None = None) -> dict[str, str]:
    """Return the variables of a worker's container, without those from Secrets."""
    made = objects(*_NEEDED.get(kind, ()), *changes, values=values)
    container = made["Deployment", f"{NAME}-{kind}"]["spec"]["template"]["spec"]["containers"][0]
    return {
        **made["ConfigMap", NAME]["data"],
        **{entry["name"]: entry["value"] for entry in container["env"] if "value" in entry},
    }
