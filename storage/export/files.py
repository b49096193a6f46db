"""A file that appears whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seedcast import private_files
from seedcast.errors import LocalResource


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yield a path beside this one to write to, which takes its place after the block.

    It is this block's alone: of several at once the last to end is what stays, whole. It is removed
    if the block raises, also by Ctrl-C. Raises LocalResource for what the system raises in it.
    """
    unfinished = private_files.unfinished(path)
    try:
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        raise LocalResource(
            f"writing {path}",
            expected="a folder that can be written, with room",
            got=str(error),
            remedy="make room there, or choose another path",
        ) from error
    finally:
        with suppress(OSError):  # where it could not be made there is nothing to remove
            unfinished.unlink()
