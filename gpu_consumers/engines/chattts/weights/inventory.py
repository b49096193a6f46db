"""The models that are on this machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.weights.assets import FILES, Assets


@dataclass(frozen=True)
class Model:
    """A row of `seedcast models list`."""

    name: str
    folder: str
    size: str  # tiny or full: fabricated; real: upstream's, byte for byte; else unknown
    bytes: int
    in_force: bool  # the folder that the engine loads


def inventory(home: Path, in_force: Path) -> Iterator[Model]:
    """Yield every folder of `home` that holds a model, and `in_force`, wherever it is.

    Hashes the files of those that may be upstream's.
    """
    folders = set[Path]()
    if home.is_dir():
        folders |= {folder.resolve() for folder in home.iterdir() if (folder / "asset").is_dir()}
    if (in_force / "asset").is_dir():
        folders.add(in_force.resolve())
    for folder in sorted(folders):
        yield Model(
            name=folder.name,
            folder=str(folder),
            size=_size(Assets(folder)),
            bytes=sum(
                (folder / file).stat().st_size for file in FILES if (folder / file).is_file()
            ),
            in_force=folder == in_force.resolve(),
        )


def _size(assets: Assets) -> str:
    try:
        if fabrication := assets.fabrication:
            return fabrication.size
    except EngineFailed:
        return "unknown"
    return "real" if all(comparison.ok for comparison in assets.check()) else "unknown"
