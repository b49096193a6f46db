"""The image's recipe, as far as it can be checked without building it."""

import re
import tomllib

import pytest

from tests.unit.ops.chart import ROOT

RECIPE = (ROOT / "ops" / "Dockerfile").read_text()
BUILD, FINAL = re.split(r"^FROM .*$", RECIPE, flags=re.MULTILINE)[1:]


def test_every_package_is_copied_from_where_it_is() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]["packages"]
    copied = dict(re.findall(r"^COPY (\w+) /src/(\w+)$", BUILD, re.MULTILINE))
    assert copied == {name: name for name in packages}
    files = re.findall(r"^COPY ((?:[\w.]+ )+)/src/$", BUILD, re.MULTILINE)
    assert all((ROOT / file).is_file() for line in files for file in line.split())


def test_uv_is_the_makefiles() -> None:
    assert re.findall(r"uv==([\d.]+)", RECIPE) == re.findall(
        r"^UV_VERSION := ([\d.]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


@pytest.mark.parametrize(("lock", "torch"), [("base", False), ("all", True)])
def test_lock_chooses_whether_torch_is_in_it(lock: str, torch: bool) -> None:
    assert RECIPE.index("ARG LOCK=base") < RECIPE.index("FROM")
    used = re.findall(r"locks/(\S+?)(?= |$)", BUILD, re.MULTILINE)
    assert used.count("${LOCK}.txt") == 2
    assert (
        bool(re.search(r"^torch==", (ROOT / "locks" / f"{lock}.txt").read_text(), re.MULTILINE))
        is torch
    )


def test_both_stages_know_the_lock() -> None:
    """An argument from before the first FROM is empty in a stage that does not name it."""
    for stage in (BUILD, FINAL):
        assert stage.index("ARG LOCK\n") < stage.index(
            "LOCK", stage.index("ARG LOCK\n") + len("ARG LOCK\n")
        )


def test_the_user_has_a_name_and_a_home_that_can_be_written() -> None:
    user = re.findall(r"^USER (\d+)$", FINAL, re.MULTILINE)
    assert re.findall(r"useradd .*--uid (\d+).*--home-dir /tmp", FINAL) == user
    assert FINAL.index("useradd") < FINAL.index("USER ")


def test_a_compiler_is_there_for_triton_alone() -> None:
    installs = re.findall(
        r'^RUN if \[ "\$LOCK" = all \]; then .*apt-get install .*\bgcc\b.*\blibc6-dev\b.*; fi$',
        FINAL,
        re.MULTILINE,
    )
    assert len(installs) == len(re.findall(r"apt-get install", RECIPE)) == 1
