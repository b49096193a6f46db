"""Cells and tags of a gigabyte: a clear error, without the memory that they would take."""

import gzip
import zipfile
from pathlib import Path
from random import Random

import pytest

from seedcast.errors import InvalidInput
from seedcast.producers.rows import workbook_cells
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BLOCK
from tests.builders.memory import peak_of_reading
from tests.builders.workbooks import Raw, a_list, shared_texts, sheet, workbook

MIB = 1024 * 1024
LIMIT = 60 * MIB  # of memory beyond what the libraries take; Arrow reads some blocks ahead


def sparse(path: Path, start: bytes, size: int, end: bytes = b"") -> Path:
    """Write a file of so many bytes, most of them a hole that takes no room on the disk."""
    with path.open("wb") as file:
        file.write(start + b"a" * 100_000)
        file.seek(size)
        file.write(end)
    return path


@pytest.mark.slow
def test_a_cell_of_csv_of_a_gigabyte_is_refused(tmp_path: Path) -> None:
    path = sparse(tmp_path / "list.csv", b"id,text\n1,fine\n2,", 2**30, b"\n3,fine\n")
    peak, printed = peak_of_reading(path)
    assert "expected rows of at most 1,048,576 bytes; got a longer one" in printed
    assert peak < LIMIT


@pytest.mark.slow
def test_a_line_of_json_of_a_gigabyte_is_an_error_of_its_row(tmp_path: Path) -> None:
    start, end = b'{"id": 1}\n{"text": "', b'"}\n{"id": 3}\n'
    peak, printed = peak_of_reading(sparse(tmp_path / "list.jsonl", start, 2**30, end))
    assert printed == "row 2; expected a line of at most 1,048,576 bytes; got a longer one\n3"
    assert peak < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_cell_of_packed_text_is_never_in_memory_whole(tmp_path: Path, kind: str) -> None:
    start = b"text\n" if kind == "csv" else b'{"text": "'
    # Some of it cannot be packed: it is no bomb.
    piece = gzip.compress(b"a" * 16 * MIB + Random(1).randbytes(120_000).hex().encode(), 1)
    (tmp_path / f"list.{kind}.gz").write_bytes(gzip.compress(start) + piece * 16)
    peak, printed = peak_of_reading(tmp_path / f"list.{kind}.gz")
    what = "rows" if kind == "csv" else "a line"
    assert f"expected {what} of at most 1,048,576 bytes; got a longer one" in printed
    assert peak < LIMIT


@pytest.mark.slow
def test_a_packed_cell_of_a_workbook_of_a_gigabyte_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, {"A": sheet([["text"], ["1"]])})
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/worksheets/other.xml", "w") as part,
    ):
        part.write(b"<worksheet><sheetData><row><c><is><t>")
        for _ in range(1024):
            part.write(b"a" * MIB)
        part.write(b"</t></is></c></row></sheetData></worksheet>")
    peak, printed = peak_of_reading(path)
    assert "at most 200 times its size unpacked, and at most 1 GiB; got more" in printed
    assert peak < LIMIT


INLINE = '<c t="inlineStr"><is><t>{}</t></is></c>'


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell",
    [INLINE, INLINE.replace("<t>{}</t>", "<r><t>{}</t></r>"), '<c t="str"><f>{}</f><v>x</v></c>'],
    ids=["inline", "rich", "formula"],
)
def test_a_cell_of_a_workbook_is_bounded_before_it_is_in_memory(tmp_path: Path, cell: str) -> None:
    row = Raw(cell.format("a" * 80 * MIB))
    path = workbook(tmp_path, {"A": sheet([["text"], [row]])}, compression=zipfile.ZIP_STORED)
    peak, printed = peak_of_reading(path)
    assert "sheet 'A'; expected cells of at most 1,048,576 characters; got more in row 2" in printed
    assert peak < LIMIT


@pytest.mark.slow
def test_a_shared_text_is_bounded_before_it_is_in_memory(tmp_path: Path) -> None:
    others = shared_texts("a", "a" * 80 * MIB)
    path = workbook(
        tmp_path, {"A": sheet([["x"], ["1"]])}, others=others, compression=zipfile.ZIP_STORED
    )
    peak, printed = peak_of_reading(path)
    assert "cells of at most 1,048,576 characters; got more in shared text 2; shorten" in printed
    assert peak < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("inside", ['<c t="{}"><v>1</v></c>', "<!--{}-->", "<c><{}/></c>"])
def test_a_tag_of_a_workbook_is_bounded_before_it_is_in_memory(tmp_path: Path, inside: str) -> None:
    """Its parser keeps a tag whole, and would read it again with each block."""
    row = Raw(inside.format("a" * 80 * MIB))
    path = workbook(tmp_path, {"A": sheet([["text"], [row]])}, compression=zipfile.ZIP_STORED)
    peak, printed = peak_of_reading(path)
    assert "expected XML with tags of at most 1,048,576 bytes; got a longer one" in printed
    assert peak < LIMIT


def test_long_texts_below_the_cells_are_not_theirs(tmp_path: Path) -> None:
    rules = f"<formula>{'a' * BLOCK}</formula><ext><f>{'a' * BLOCK}</f></ext>" * 2
    body = sheet([["text"], ["a" * BLOCK]]).replace("</sheetData>", f"</sheetData>{rules}")
    (row,) = read(workbook(tmp_path, {"A": body})).rows
    assert row == (1, {"text": "a" * BLOCK})


def test_the_ranges_of_merged_cells_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook_cells, "MERGED", 2)
    rows = [["id", "shop"], *[[number, number] for number in range(9)]]
    assert len(list(read(a_list(tmp_path, *rows, merged=["B2:B3", "B4:B5"])).rows)) == 9
    with pytest.raises(InvalidInput, match="at most 2 ranges of merged cells; got more"):
        read(a_list(tmp_path, *rows, merged=["B2:B3", "B4:B5", "B6:B7"]))
