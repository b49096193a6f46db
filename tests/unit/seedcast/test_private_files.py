"""Temporary files that are read by a path, with and without the paths of descriptors."""

from pathlib import Path

import pytest

from seedcast import private_files


@pytest.mark.parametrize("descriptors", [Path("/proc/self/fd"), Path("/none")])
def test_a_temporary_file_is_read_by_its_path_until_it_is_closed(
    descriptors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(private_files, "_DESCRIPTORS", descriptors)
    file, path = private_files.temporary()
    with file:
        private_files.write_all(file, b"a list")
        assert [path.read_bytes(), path.read_bytes()] == [b"a list"] * 2
        assert path.stat().st_mode & 0o077 == 0
        assert len(list(tmp_path.iterdir())) == (0 if descriptors.exists() else 1)
    assert list(tmp_path.iterdir()) == []
