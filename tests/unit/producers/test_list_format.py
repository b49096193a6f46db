"""A list's format is that of its suffix, or what an option says."""

import gzip
import shutil
from pathlib import Path

import pytest

from seedcast.errors import InvalidInput
from seedcast.producers.rows.file_options import FileOptions
from seedcast.producers.rows.list_format import ListFormat, format_of
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BadRow
from tests.builders.files import a_file, dry_run, parquet
from tests.builders.workbooks import a_list


def values(path: Path, format_: str) -> list[dict[str, object]]:
    rows = read(path, FileOptions(format=format_)).rows
    return [dict(row[1]) for row in rows if not isinstance(row, BadRow)]


@pytest.mark.parametrize("name", ["list", "list.dat", "list.parquet", "list.xlsx", "list.csv.gz"])
def test_text_is_read_by_the_format_that_is_named(tmp_path: Path, name: str) -> None:
    assert values(a_file(tmp_path, "id,text\n1,Hi.\n", name), "csv") == [{"id": "1", "text": "Hi."}]
    assert values(a_file(tmp_path, '{"id": 1}\n', name), "jsonl") == [{"id": 1}]
    packed = gzip.compress(b"id\ttext\n1\tHi.\n")
    assert values(a_file(tmp_path, packed, name), "tsv.gz") == [{"id": "1", "text": "Hi."}]


@pytest.mark.parametrize("name", ["list", "list.csv", "list.ods", "list.xls", "list.csv.gz"])
def test_other_lists_are_read_by_the_format_that_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copy(a_list(tmp_path, ["id"], [7]), path)
    assert values(path, "xlsx") == [{"id": 7}]
    shutil.copy(parquet(tmp_path, {"id": [7]}), path)
    assert values(path, "parquet") == [{"id": 7}]


@pytest.mark.parametrize("named", ["csv", ".csv", " CSV "])
def test_a_format_may_be_spelled_as_a_suffix(named: str) -> None:
    assert format_of(Path("list"), named) == ListFormat(".csv")


@pytest.mark.parametrize("named", ["", ".", "excel", "list.csv", "gz", "parquet.gz", "csv.gz.gz"])
def test_an_unknown_format_is_refused(named: str) -> None:
    with pytest.raises(InvalidInput, match=r"option format; expected one of csv, tsv, .*csv\.gz"):
        format_of(Path("list.csv"), named)


def test_a_format_that_is_not_read_says_what_is() -> None:
    with pytest.raises(InvalidInput, match=r"got 'xls'; save it as \.xlsx"):
        format_of(Path("list"), "xls")
    with pytest.raises(InvalidInput, match=r"got \.ods; save it as \.xlsx"):
        format_of(Path("list.ods"), None)
    with pytest.raises(InvalidInput, match=r"got \.json; write one object per line"):
        format_of(Path("list.json"), None)


@pytest.mark.parametrize(
    ("name", "got"), [("list", "no suffix"), ("list.gz", ".gz"), ("a.b.zst", ".b.zst")]
)
def test_a_file_without_a_known_suffix_asks_for_its_format(name: str, got: str) -> None:
    with pytest.raises(InvalidInput, match=rf"got {got}; name its format with --format"):
        format_of(Path(name), None)


def test_what_a_wrong_format_hides_is_told(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"id": [7]})
    with pytest.raises(InvalidInput, match=r"got Parquet; .* or name that with --format"):
        read(path, FileOptions(format="csv"))
    with pytest.raises(InvalidInput, match=r"is damaged; expected a whole \.gz file"):
        read(path, FileOptions(format="csv.gz"))
    with pytest.raises(InvalidInput, match="is not Parquet"):
        read(a_file(tmp_path, "id\n1\n"), FileOptions(format="parquet"))


def test_a_list_is_submitted_by_the_format_that_is_named(tmp_path: Path) -> None:
    report = dry_run(a_file(tmp_path, "text\nHi.\n…\n", "list.txt"), format="csv")
    assert (report.accepted, report.rejected) == (1, 1)
