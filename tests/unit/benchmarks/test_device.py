"""The prepared command for a GPU starts on a machine that has little more than torch.

That it runs through is rehearsed by `make device-rehearsal`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.device import intermediates
from benchmarks.device.setting import Setting
from seedcast.gpu_consumers.engines.chattts.kernels.determinism import ENVIRONMENT
from seedcast.gpu_consumers.engines.chattts.model import model
from seedcast.gpu_consumers.engines.chattts.model.dimensions import TINY
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate

ROOT = Path(__file__).parents[3]
DEVICE = ROOT / "benchmarks" / "device"

# Hides every distribution but those that are named, and imports modules.
CODE = """
import importlib, re, sys
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions

allowed, modules = (argument.split(",") for argument in sys.argv[1:])
normal = lambda name: re.sub("[-_.]+", "-", name).lower()
hidden = {
    module
    for module, owners in packages_distributions().items()
    if not {normal(owner) for owner in owners} & {*allowed, "seedcast"}
}
finders = sys.meta_path[:]

class Others:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            return None
        found = (finder.find_spec(name, path, target) for finder in finders)
        return next(filter(None, found), None)

    find_distributions = staticmethod(PathFinder.find_distributions)

sys.meta_path[:] = [Others()]
for module in modules:
    importlib.import_module(module)
print(",".join(hidden))
"""


def names(file: Path) -> list[str]:
    """Return the names of distributions in a file of requirements, as PyPI writes them."""
    found = re.findall(r"^[\w.-]+", file.read_text(), re.MULTILINE)
    return [re.sub("[-_.]+", "-", name).lower() for name in found]


def started(allowed: list[str], *modules: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", CODE, ",".join(allowed), ",".join(modules)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow  # make device-rehearsal runs it
def test_it_and_the_tests_for_a_gpu_import_nothing_that_is_not_there() -> None:
    tests = [f"tests.gpu.{file.stem}" for file in (ROOT / "tests" / "gpu").glob("*.py")]
    there = names(DEVICE / "installed.txt") + names(DEVICE / "wheels.in")
    result = started(there, "benchmarks.device.parts", *tests)
    assert result.returncode == 0, result.stderr
    hidden = set(result.stdout.strip().split(","))
    assert {"confluent_kafka", "faust", "minio", "librosa", "pyarrow"} <= hidden
    without = started([name for name in there if name != "loguru"], "benchmarks.device.parts")
    assert "No module named 'loguru'" in without.stderr


def test_what_is_carried_has_the_versions_that_are_tested() -> None:
    pins = [
        dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "locks" / file).read_text(), re.MULTILINE))
        for file in ("device.txt", "all.txt")
    ]
    assert pins[0].keys() == set(names(DEVICE / "wheels.in"))
    assert pins[0].items() <= pins[1].items()


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    folder = fabricate(tmp_path / "tiny", TINY, seed=1).folder
    return Setting(torch.device("cpu"), True, folder, folder, tmp_path)


@pytest.mark.slow  # make device-rehearsal runs it
def test_rows_that_depend_on_others_are_found(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert intermediates.compare(setting).holds
    honest = model.Model.code_logits

    def leaky(self: model.Model, hidden: Tensor) -> Tensor:
        return honest(self, hidden + 1e-3 * hidden.roll(1, 0))

    monkeypatch.setattr(model.Model, "code_logits", leaky)
    findings = intermediates.compare(setting)
    assert not findings.holds
    assert "roll" in findings.headline


def test_the_workspaces_of_the_engine_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise all settings of the libraries would be the same one."""
    from benchmarks.device import products

    given = list[dict[str, str]]()

    def run(
        _command: list[str], *, env: dict[str, str], **_: object
    ) -> "subprocess.CompletedProcess[str]":
        given.append(env)
        measured = {
            f"{name}, 8 rows": {"alike": True, "microseconds": 1.0}
            for name in (*products.LAYER, "code head")
        }
        return subprocess.CompletedProcess([], 0, json.dumps(measured))

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(subprocess, "run", run)
    folder = Path()
    products.compare(Setting(torch.device("cpu"), True, folder, folder, folder))
    assert len(given) == len(products.SETTINGS)
    assert not any(ENVIRONMENT.keys() & environment.keys() for environment in given)
