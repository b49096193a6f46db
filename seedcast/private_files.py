"""Files that hold people's texts, or what tells of them, are for their owner alone.

And those that are being written are their writer's alone.
"""

import os
import secrets
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, BinaryIO, Literal, cast

_DESCRIPTORS = Path("/proc/self/fd")


def create(path: Path, mode: Literal["wb", "w+b", "ab"]) -> BinaryIO:
    """Open a file to write. A new one is its owner's alone, and an older one becomes so."""
    return open(path, mode, opener=_opener)


def unfinished(path: Path) -> Path:
    """Return a hidden name beside the path which no other writer has, in whatever process."""
    return path.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}.part")


def make_folder(path: Path) -> None:
    """Make the folder, or one that exists, its owner's alone. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def temporary() -> tuple[IO[bytes], Path]:
    """Return a temporary file, and a path by which it is read from its start until it is closed.

    On Linux it has no name: nothing of it stays, however the process ends. Elsewhere all that open
    a descriptor's path share one position, so it has a name until it is closed. It has no buffer,
    which closing it might find no room for: write with `write_all`. Raises OSError.
    """
    if _DESCRIPTORS.is_dir():
        unnamed = TemporaryFile(buffering=0)  # noqa: SIM115
        return unnamed, _DESCRIPTORS / str(unnamed.fileno())
    named = NamedTemporaryFile(prefix="seedcast-", buffering=0)  # noqa: SIM115
    return cast(IO[bytes], named), Path(named.name)


def write_all(file: IO[bytes], data: bytes) -> None:
    """Write the data into a file without a buffer. Raises OSError."""
    left = memoryview(data)
    while left:  # a disk that is nearly full takes a part
        left = left[file.write(left) :]


def _opener(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor
