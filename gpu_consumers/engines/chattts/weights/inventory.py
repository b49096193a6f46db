"""The models that are on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gpu_consumers.engines.chattts.weights.assets import FILES, Assets
from seedcast.errors import EngineFailed


@dataclass(frozen=True)
class Model:
    name: str
    folder: str
    size: str  # tiny or full: fabricated; real: upstream's, byte for byte; else unknown
    bytes: int
    in_force: bool  # the folder that the engine loads


def inventory(home: Path, in_force: Path) -> Iterator[Model]:
    """Every folder of `home` that holds a model, and the one in force, wherever it lies. Hashes those that may be upstream's."""
    folders = (
        {folder.resolve() for folder in home.iterdir() if (folder / "asset").is_dir()}
        if home.is_dir()
        else set()
    )
    if (in_force / "asset").is_dir():
        folders.add(in_force.resolve())
    for folder in sorted(folders):
        held = sum((folder / file).stat().st_size for file in FILES if (folder / file).is_file())
        yield Model(
            folder.name, str(folder), _size(Assets(folder)), held, folder == in_force.resolve()
        )


def _size(assets: Assets) -> str:
    try:
        if made := assets.fabrication:
            return made.size
    except EngineFailed:
        return "unknown"
    return "real" if all(comparison.ok for comparison in assets.check()) else "unknown"
