"""librosa's compiled code: baked into the image, so that a pod need not compile it.

librosa compiles two dozen functions with numba when it is first used: 17 to 40 s of CPU. None of
them meets a sample of ours, so the image compiles them for any processor. Elsewhere numba keeps
them beside librosa or in the user's cache, and only the first start is slow.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from seedcast.errors import LocalResource

BAKED = Path(sys.prefix) / "share" / "seedcast" / "numba"


def use_baked(baked: Path = BAKED) -> bool:
    """Give numba what the image holds; it must be able to write where it reads.

    Call it before librosa is first used. Returns False where nothing is baked.
    Raises LocalResource.
    """
    if not baked.is_dir():
        return False
    os.environ.setdefault("NUMBA_CPU_NAME", "generic")
    cache = os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / "numba"))
    try:
        shutil.copytree(baked, cache, dirs_exist_ok=True)
    except OSError as error:
        raise LocalResource(
            f"folder {cache}",
            expected="2 MB for compiled code, which numba can write to",
            got=str(error),
            remedy="set NUMBA_CACHE_DIR to another folder",
        ) from error
    return True


def bake(baked: Path = BAKED) -> None:
    """Compile everything into this folder, for any processor."""
    os.environ |= {"NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(baked)}
    baked.mkdir(parents=True)
    from seedcast.catalog import profiles
    from seedcast.settings import PostprocessSettings
    from seedcast.stream_apps.audio.chain import warm_up

    warm_up(profiles.load(PostprocessSettings()))


if __name__ == "__main__":
    bake(*map(Path, sys.argv[1:]))
