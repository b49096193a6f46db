"""What is installed: one top-level package, whole, under every claimed version of Python."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import grimp
import pytest

import seedcast
from seedcast.cli import doctor
from tests.builders.packages import build, modules
from tests.builders.pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ROOMS = {"schemas", "storage", "producers", "gpu_consumers", "stream_apps"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.endswith("/RECORD") and ".dist-info/" not in name
        }


def test_the_wheel_has_one_top_level_package_with_all_that_is_in_its_folders(wheel: Path) -> None:
    names = set(contents(wheel))
    assert {name.partition("/")[0] for name in names} == {"seedcast"}
    files = {
        str(Path(folder, file).relative_to(ROOT))
        for folder, _, files in os.walk(ROOT / "seedcast", followlinks=True)
        for file in files
        if "__pycache__" not in folder
    }
    assert names == files
    assert {name.split("/")[1] for name in names} >= ROOMS
    page = "seedcast/producers/gateway/page"
    assert {"seedcast/catalog/profiles.toml", f"{page}/static/vendor/uPlot.js"} <= names


def test_a_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    source = build("sdist", ROOT, tmp_path)
    subprocess.run(["tar", "xzf", source.name], cwd=tmp_path, check=True)
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert not [path for path in unpacked.rglob("*") if path.is_symlink()]
    assert contents(build("wheel", unpacked, tmp_path / "again")) == contents(wheel)


def test_an_editable_installation_finds_every_room() -> None:
    names = ", ".join(f"seedcast.{room}" for room in sorted(ROOMS))
    code = f"import {names}; print(seedcast.__file__)"
    run = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd="/", capture_output=True, text=True, check=True
    )
    assert Path(run.stdout.strip()).parent.name == "seedcast"


def test_the_version_stands_once() -> None:
    assert "version" in PROJECT["dynamic"]
    run = subprocess.run(
        [sys.executable, "-m", "seedcast.cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == f"seedcast {seedcast.__version__}\n"


def test_import_contracts_see_every_module() -> None:
    graph = grimp.build_graph("seedcast", cache_dir=None)
    assert set(graph.modules) == set(modules(ROOT / "seedcast"))
    assert "seedcast.schemas.messages" in graph.modules


def test_the_versions_of_python_are_the_same_everywhere() -> None:
    least, below = map(
        int, re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups()
    )  # type: ignore[union-attr]
    assert ((3, least), (3, below - 1)) == (doctor.OLDEST, doctor.NEWEST)
    claimed = {f"Programming Language :: Python :: 3.{minor}" for minor in range(least, below)}
    assert claimed == {name for name in PROJECT["classifiers"] if "Python :: " in name}
    makefile = (ROOT / "Makefile").read_text()
    assert f"not (3, {least}) <= sys.version_info[:2] <= (3, {below - 1})" in makefile
