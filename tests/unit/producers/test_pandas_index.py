"""The index of a data frame in Parquet, as pandas 3.1 writes it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from seedcast.errors import InvalidInput
from seedcast.producers.rows.parquet import BATCH
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BadRow
from tests.builders.files import dry_run

Values = list[dict[str, object]]


def a_frame(
    folder: Path, columns: Mapping[str, Sequence[object]], *index: object, said: bytes = b""
) -> Path:
    """Write columns, and what pandas says of the frame's index; `said`: instead of that."""
    metadata = said or json.dumps({"index_columns": index, "pandas_version": "3.1.1"}).encode()
    table = pyarrow.table(dict(columns)).replace_schema_metadata({b"pandas": metadata})
    pyarrow.parquet.write_table(table, folder / "list.parquet")
    return folder / "list.parquet"


def a_range(name: object, start: object, stop: object, step: object = 1) -> dict[str, object]:
    return {"kind": "range", "name": name, "start": start, "stop": stop, "step": step}


def values(path: Path) -> Values:
    return [dict(row[1]) for row in read(path).rows if not isinstance(row, BadRow)]


@pytest.mark.parametrize(
    ("columns", "index", "expected"),
    [
        ({"n": [1, 2], "id": ["a", "b"]}, ["id"], [{"n": 1, "id": "a"}, {"n": 2, "id": "b"}]),
        ({"n": [1, 2]}, [a_range(None, 0, 2)], [{"n": 1}, {"n": 2}]),
        ({"n": [1, 2], "__index_level_0__": [4, 7]}, ["__index_level_0__"], [{"n": 1}, {"n": 2}]),
        ({"n": [1], "a": ["x"], "b": ["y"]}, ["a", "b"], [{"n": 1, "a": "x", "b": "y"}]),
        (
            {"n": [1], "a": ["x"], "__index_level_1__": ["y"]},
            ["a", "__index_level_1__"],
            [{"n": 1, "a": "x"}],
        ),
    ],
    ids=["named", "range", "unnamed", "several", "several, one unnamed"],
)
def test_an_index_with_a_name_is_a_column_and_one_without_is_none(
    tmp_path: Path, columns: dict[str, list[object]], index: list[object], expected: Values
) -> None:
    assert values(a_frame(tmp_path, columns, *index)) == expected


def test_a_named_range_is_a_column_although_the_file_has_none(tmp_path: Path) -> None:
    rows = 2 * BATCH + 3
    path = a_frame(tmp_path, {"text": ["Hi."] * rows}, a_range("id", 1001, 1001 + 2 * rows, 2))
    assert [row["id"] for row in values(path)] == list(range(1001, 1001 + 2 * rows, 2))
    report = dry_run(path, id_column="id", template="{id}")
    assert (report.accepted, report.rejected) == (rows, 0)


def test_a_column_hides_an_index_of_its_name(tmp_path: Path) -> None:
    assert values(a_frame(tmp_path, {"n": [7, 8]}, a_range("n", 0, 2))) == [{"n": 7}, {"n": 8}]


def test_an_index_whose_name_is_a_number_is_a_column(tmp_path: Path) -> None:
    assert values(a_frame(tmp_path, {"n": [7]}, a_range(5, 0, 1))) == [{"n": 7, "5": 0}]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (a_range("id", 0, 2), r"the index; expected a range of 3 numbers.*; got 2; write it as"),
        (a_range("id", 0, 3, 0), "the index; expected a step other than 0"),
        (a_range("id", 0, 2**64), "the index; expected what pandas writes"),
        (a_range("id", "a", 3), "the index; expected what pandas writes"),
        (7, "the index; expected what pandas writes"),
    ],
)
def test_a_range_that_does_not_fit_the_rows_is_refused(
    tmp_path: Path, index: object, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(a_frame(tmp_path, {"n": [1, 2, 3]}, index))


@pytest.mark.parametrize("said", [b"{", b"\xff", b"[]"])
def test_what_pandas_never_wrote_is_refused(tmp_path: Path, said: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"the index; expected what pandas writes of it"):
        read(a_frame(tmp_path, {"n": [1]}, said=said))


def test_a_file_of_an_unnamed_index_alone_is_refused(tmp_path: Path) -> None:
    path = a_frame(tmp_path, {"__index_level_0__": [1]}, "__index_level_0__")
    with pytest.raises(InvalidInput, match=r"has no columns.*name the index"):
        read(path)


def test_an_unnamed_index_that_is_asked_for_is_missing(tmp_path: Path) -> None:
    path = a_frame(tmp_path, {"text": ["Hi."], "__index_level_0__": [1]}, "__index_level_0__")
    with pytest.raises(InvalidInput, match=r"columns are missing.*__index_level_0__"):
        dry_run(path, id_column="__index_level_0__")
