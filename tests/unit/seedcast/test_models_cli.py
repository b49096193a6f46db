"""`seedcast models` as an operator types it: exit codes, output for people and programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seedcast.gpu_consumers.engines.chattts.model.dimensions import TINY
from seedcast.gpu_consumers.engines.chattts.weights.assets import FILES, Assets
from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate

COMMAND = [sys.executable, "-m", "seedcast.cli", "models"]
EXTRA = ("ChatTTS", "torch")


def models(
    home: Path, *arguments: object, command: list[str] = COMMAND, **env: str
) -> subprocess.CompletedProcess[str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("SEEDCAST_")}
    return subprocess.run(
        [*command, *map(str, arguments)],
        env=outer | {"SEEDCAST_HOME": str(home), "COLUMNS": "200"} | env,
        capture_output=True,
        text=True,
        timeout=120,
    )


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a tiny model in the default folder."""
    home = tmp_path_factory.mktemp("home")
    fabricate(home / "models/chattts", TINY, seed=7)
    return home


def test_list_names_the_model_in_force(home: Path) -> None:
    (row,) = rows(models(home, "list", "--json"))
    assert (row["name"], row["size"], row["in_force"]) == ("chattts", "tiny", True)
    assert row["bytes"] == sum((home / "models/chattts" / path).stat().st_size for path in FILES)
    assert "tiny" in models(home, "list").stdout


def test_list_shows_that_no_model_is_in_force(home: Path, tmp_path: Path) -> None:
    (row,) = rows(models(home, "list", "--json", SEEDCAST_GPU_MODELS=str(tmp_path)))
    assert row["in_force"] is False
    assert "models pull" in models(tmp_path, "list").stdout


def test_check_shows_each_file_and_that_they_are_fabricated(home: Path, tmp_path: Path) -> None:
    done = models(home, "check")
    assert done.returncode == 1
    assert all(path in done.stdout for path in FILES)
    assert "fabricated: random weights, tiny, seed 7" in done.stdout
    absent = models(home, "check", tmp_path, "--json")
    assert absent.returncode == 1
    assert [(row["path"], row["got"], row["ok"], row["fabricated"]) for row in rows(absent)] == [
        (path, "missing", False, None) for path in FILES
    ]


def test_fabricate_overwrites_nothing_unless_forced(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    refused = models(home, "fabricate", tmp_path)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert not (tmp_path / "asset").exists()
    done = models(home, "fabricate", "--size", "tiny", "--seed", 7, "--force", "--json", tmp_path)
    assert done.returncode == 0
    assert rows(done) == [{"folder": str(tmp_path), "size": "tiny", "seed": 7}]
    assert Assets.open(tmp_path).digest() == Assets(home / "models/chattts").digest()
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_pull_names_the_licences_and_the_remedy_while_the_hub_is_unavailable(
    home: Path, tmp_path: Path
) -> None:
    done = models(home, "pull", "--to", tmp_path / "new", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 75
    for part in ("AGPL-3.0-or-later", "CC BY-NC 4.0", "SEEDCAST_GPU_MODELS"):
        assert part in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def base_install(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A search path with every installed package but those of the extra."""
    folder = tmp_path_factory.mktemp("packages")
    packages, root = Path(pytest.__file__).parents[1], Path(__file__).parents[3]
    for package in packages.iterdir():
        if package.name not in EXTRA:
            (folder / package.name).symlink_to(package)
    return f"{root}{os.pathsep}{folder}"


@pytest.mark.sample(1)
@pytest.mark.parametrize("arguments", [["list"], ["check"], ["pull"], ["fabricate", "there"]])
def test_the_base_install_is_told_what_to_install(
    home: Path, base_install: str, arguments: list[str]
) -> None:
    isolated = [COMMAND[0], "-S", *COMMAND[1:]]  # -S: this search path only
    done = models(home, *arguments, command=isolated, PYTHONPATH=base_install)
    assert done.returncode == 3
    assert "seedcast[chattts]" in done.stderr
    assert "no ChatTTS, torch" in done.stderr
    assert "Traceback" not in done.stderr
