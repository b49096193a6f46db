"""The wheel, installed into an empty environment under each claimed version of Python."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seedcast.settings import Settings
from tests.builders import pages
from tests.builders.deployments import environment
from tests.builders.packages import build, interpreter
from tests.builders.pages import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.slow]

VERSIONS = ("3.11", "3.12", "3.13")
UV = str(Path(sys.executable).with_name("uv"))
SCRIPTS = ("__main__", "migrations.env")  # run by Python and by Alembic, and not imported
# That of the extra `chattts`, which the base installation does not have.
OPTIONAL = "seedcast.gpu_consumers.engines.chattts"
IMPORT_ALL = f"""
import importlib, pkgutil, storage, seedcast
assert storage.OTHERS
for module in pkgutil.walk_packages(seedcast.__path__, "seedcast."):
    if not module.name.startswith({OPTIONAL!r}) and not module.name.endswith({SCRIPTS!r}):
        importlib.import_module(module.name)
print(seedcast.storage.s3.S3Store.__module__)
"""


def install(version: str, folder: Path) -> Path:
    """Install the wheel, with the locked packages, beside another top-level package `storage`."""
    python = interpreter(version)
    if python is None and not os.environ.get("CI"):
        pytest.skip(f"no Python {version}: install it, for example with `uv python install`")
    venv = folder / "venv"
    run(UV, "venv", "-q", "--python", python or version, venv)
    target = {"VIRTUAL_ENV": str(venv)}
    run(UV, "pip", "install", "-q", "--require-hashes", "-r", ROOT / "locks/base.txt", **target)
    run(UV, "pip", "install", "-q", "--no-deps", build("wheel", ROOT, folder / "wheel"), **target)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "storage").mkdir()
    (packages / "storage/__init__.py").write_text("OTHERS = True\n")
    return venv / "bin"


def run(*command: object, cwd: Path | None = None, **env: str) -> str:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=variables | env,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_speaks_beside_another_package_named_storage(
    version: str, tmp_path: Path
) -> None:
    programs = install(version, tmp_path)
    assert run(programs / "python", "-V").startswith(f"Python {version}.")
    assert run(programs / "python", "-c", IMPORT_ALL, cwd=tmp_path) == "seedcast.storage.s3\n"
    assert run(programs / "seedcast", "--version") == "seedcast 0.1.0\n"
    run(programs / "seedcast", "say", "Good evening.", "-o", "hello.wav", cwd=tmp_path)
    assert (tmp_path / "hello.wav").read_bytes().startswith(b"RIFF")


def test_the_example_of_the_readme_runs_from_the_wheel(settings: Settings, tmp_path: Path) -> None:
    programs = install(".".join(map(str, sys.version_info[:2])), tmp_path)
    variables = environment(settings)
    variables.pop("PYTHONPATH", None)
    (example,) = (
        block.text
        for block in pages.blocks((ROOT / "README.md").read_text())
        if block.language == "python"
    )
    workers = [
        subprocess.Popen([programs / "seedcast", "run", kind], env=variables, cwd=tmp_path)
        for kind in ("feeder", "gpu-consumer", "postprocess", "indexer")
    ]
    try:
        said = run(programs / "python", "-c", example, cwd=tmp_path, **variables)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert sorted(said.splitlines()) == ["b-1 succeeded True", "b-2 succeeded True"]
