"""A file that appears whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seedcast.errors import LocalResource


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yield a path beside this one to write to, which takes its place after the block.

    It is removed if the block raises, also by Ctrl-C. Raises LocalResource for what the system
    raises in the block.
    """
    unfinished = path.with_name(f"{path.name}.part")
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
        unfinished.unlink(missing_ok=True)
