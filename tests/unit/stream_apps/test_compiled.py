"""librosa's compiled code: taken from the image, written where numba may write."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seedcast.errors import LocalResource
from seedcast.stream_apps.audio import compiled

USE = (
    "import sys; from pathlib import Path; from seedcast.stream_apps.audio import compiled;"
    "assert compiled.use_baked(Path(sys.argv[1]));"
    "import librosa.util, librosa.core.audio, time; print(time.process_time())"
)


def test_what_the_image_holds_is_copied_to_where_numba_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CPU_NAME", "")
    monkeypatch.delenv("NUMBA_CPU_NAME")
    (tmp_path / "baked" / "core").mkdir(parents=True)
    (tmp_path / "baked" / "core" / "a.nbi").write_bytes(b"code")
    for _ in range(2):  # a container that starts again finds its own copy
        assert compiled.use_baked(tmp_path / "baked")
    assert (tmp_path / "cache" / "core" / "a.nbi").read_bytes() == b"code"
    assert os.environ["NUMBA_CPU_NAME"] == "generic"


def test_nothing_is_baked_outside_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CPU_NAME", raising=False)
    assert not compiled.use_baked(tmp_path / "none")
    assert "NUMBA_CPU_NAME" not in os.environ


def test_a_folder_that_cannot_take_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    with pytest.raises(LocalResource, match=r"file.*NUMBA_CACHE_DIR"):
        compiled.use_baked(tmp_path)


@pytest.mark.slow
def test_a_start_from_the_image_compiles_nothing(tmp_path: Path) -> None:
    baked, cache = tmp_path / "baked", tmp_path / "cache"
    bake = [sys.executable, "-m", "seedcast.stream_apps.audio.compiled", baked]
    subprocess.run(bake, check=True)
    code = {path.relative_to(baked) for path in baked.rglob("*.nbc")}
    assert code
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    used = subprocess.run(
        [sys.executable, "-c", USE, baked], env=environment, check=True, capture_output=True
    )
    assert float(used.stdout) < 8
    assert {path.relative_to(cache) for path in cache.rglob("*.nbc")} == code
