"""Files that hold people's texts, or what tells of them, are for their owner alone."""

import os
from pathlib import Path
from typing import BinaryIO, Literal


def create(path: Path, mode: Literal["wb", "w+b", "ab"]) -> BinaryIO:
    """Open a file to write. A new one is its owner's alone, and an older one becomes so."""
    return open(path, mode, opener=_opener)


def make_folder(path: Path) -> None:
    """Make the folder, or one that exists, its owner's alone. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def _opener(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor
