"""The Dockerfile, as far as it can be checked without building the image."""

import re
from pathlib import Path

import pytest

from tests.unit.ops.chart import ROOT

RECIPE = (ROOT / "ops" / "Dockerfile").read_text()
BUILD, FINAL = re.split(r"^FROM .*$", RECIPE, flags=re.MULTILINE)[1:]


def test_the_package_and_every_folder_that_it_links_to_are_copied() -> None:
    links = [path for path in (ROOT / "seedcast").iterdir() if path.is_symlink()]
    assert {path.readlink() for path in links} == {Path("..") / path.name for path in links}
    copied = dict(re.findall(r"^COPY (\w+) /src/(\w+)$", BUILD, re.MULTILINE))
    assert copied == {name: name for name in ("seedcast", *(path.name for path in links))}
    files = re.findall(r"^COPY ((?:[\w.]+ )+)/src/$", BUILD, re.MULTILINE)
    assert all((ROOT / file).is_file() for line in files for file in line.split())


def test_uv_has_the_version_of_the_makefile() -> None:
    assert re.findall(r"uv==([\d.]+)", RECIPE) == re.findall(
        r"^UV_VERSION := ([\d.]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


def test_what_is_installed_is_compiled_because_its_user_cannot_write_there() -> None:
    installs = re.findall(r"^RUN uv pip install .*$", BUILD, re.MULTILINE)
    assert len(installs) == 2
    assert all("--compile-bytecode" in install for install in installs)


@pytest.mark.parametrize(("lock", "torch"), [("base", False), ("all", True)])
def test_the_lock_decides_if_torch_is_installed(lock: str, torch: bool) -> None:
    assert RECIPE.index("ARG LOCK=base") < RECIPE.index("FROM")
    used = re.findall(r"locks/(\S+?)(?= |$)", BUILD, re.MULTILINE)
    assert used.count("${LOCK}.txt") == 2
    locked = (ROOT / "locks" / f"{lock}.txt").read_text()
    assert bool(re.search(r"^torch==", locked, re.MULTILINE)) is torch


def test_both_stages_declare_the_lock() -> None:
    """An argument declared before the first FROM is empty in a stage that does not declare it."""
    for stage in (BUILD, FINAL):
        declared = stage.index("ARG LOCK\n")
        assert stage.index("LOCK", declared + len("ARG LOCK\n")) > declared


def test_the_user_has_a_name_and_a_writable_home() -> None:
    user = re.findall(r"^USER (\d+)$", FINAL, re.MULTILINE)
    assert re.findall(r"useradd .*--uid (\d+).*--home-dir /tmp", FINAL) == user
    assert FINAL.index("useradd") < FINAL.index("USER ")


def test_a_compiler_is_installed_only_for_triton() -> None:
    installs = re.findall(
        r'^RUN if \[ "\$LOCK" = all \]; then .*apt-get install .*\bgcc\b.*\blibc6-dev\b.*; fi$',
        FINAL,
        re.MULTILINE,
    )
    assert len(installs) == len(re.findall(r"apt-get install", RECIPE)) == 1


def test_what_librosa_compiles_is_baked_in_where_its_sources_keep_their_times() -> None:
    assert "find \"$librosa\" -name '*.py' -exec touch -d 2026-01-01 {} +" in BUILD
    copied = FINAL.index("COPY --from=build /opt/seedcast /opt/seedcast")
    baked = FINAL.index("RUN python -m seedcast.stream_apps.audio.compiled\n")
    assert copied < FINAL.index("ENV PATH=") < baked < FINAL.index("USER ")
