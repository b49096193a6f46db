"""Files that appear whole or not at all, also where several are written to one path."""

from pathlib import Path

import pytest

from seedcast.errors import LocalResource
from seedcast.storage.export.files import appearing


def test_two_that_write_one_path_at_once_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    with appearing(path) as first, first.open("w") as file:
        file.write("of the ")
        with appearing(path) as second:
            second.write_text("of the second")
        assert path.read_text() == "of the second"
        file.write("first")
    assert path.read_text() == "of the first"
    assert list(tmp_path.iterdir()) == [path]


def test_one_that_fails_leaves_the_other_alone(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    with appearing(path) as first:
        first.write_text("whole")
        with pytest.raises(LocalResource):
            half(path)
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def half(path: Path) -> None:
    with appearing(path) as unfinished:
        unfinished.write_text("ha")
        raise OSError("disk full")


@pytest.mark.parametrize("name", ["flat/list.csv", "nowhere/list.csv", "n" * 300])
def test_a_path_that_cannot_be_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "flat").touch()
    with pytest.raises(LocalResource, match=name), appearing(tmp_path / name) as unfinished:
        unfinished.write_text("…")
    assert [path.name for path in tmp_path.iterdir()] == ["flat"]
