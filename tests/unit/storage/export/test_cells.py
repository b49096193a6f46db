"""No cell of a list runs in a spreadsheet, and every other reader gets what was there."""

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedcast.storage.export.cells import harmless
from seedcast.storage.export.export import Source, export_file, export_stream
from seedcast.storage.export.lines import LineOptions
from tests.builders.outcomes import a_result, indexed

LIVE = ("=", "+", "-", "@", "\t", "\r")
hostile = st.builds(
    str.__add__, st.sampled_from(["", *LIVE, "=cmd|' /C calc'!A0", '"', ",", "\n", "'", "＝"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)  # fmt: skip


@pytest.mark.parametrize(
    "text", ["=1+1", "+1-1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "+", "--1", "＝1"]
)
def test_what_a_spreadsheet_might_run_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "Anna", "-5", "+491701234567", "-12.50", " =1", "'=1", "a=b", "5-3", "b-17"]
)
def test_numbers_and_other_text_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@given(hostile)
def test_no_cell_of_csv_is_live_and_only_an_apostrophe_is_new(text: str) -> None:
    file = io.BytesIO()
    source = Source(read=lambda: [indexed(a_result(1, "failed", message=text), 1)])
    export_stream(source, file, "csv", LineOptions())
    _, row = csv.reader(io.StringIO(file.getvalue().decode(), newline=""))
    assert row[5] in (text, f"'{text}")
    is_number = text[1:].replace(".", "", 1).isdigit()
    assert not row[5].startswith(LIVE) or is_number


@given(hostile)
def test_json_lines_keep_the_text(text: str) -> None:
    file = io.BytesIO()
    source = Source(read=lambda: [indexed(a_result(1, "failed", message=text), 1)])
    export_stream(source, file, "jsonl", LineOptions())
    (line,) = file.getvalue().decode().split("\n")[:-1]
    assert json.loads(line)["error"] == text


@settings(max_examples=20)  # a workbook takes 20 ms, and each has up to twenty texts
@given(st.lists(hostile, min_size=10, max_size=20))
def test_no_cell_of_a_workbook_is_a_formula_or_a_link(texts: list[str]) -> None:
    requests = [
        indexed(a_result(n, "failed", own_id=None, message=text), n)
        for n, text in enumerate(texts, 1)
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        export_file(Source(read=lambda: requests, most=20), path, "xlsx", LineOptions())
        sheet = openpyxl.load_workbook(path)["list"]
    for row in sheet.iter_rows(min_row=2):
        assert {cell.data_type for cell in row if cell.value is not None} <= {"s", "n", "d"}
        assert not any(cell.hyperlink for cell in row)
        assert (
            not str(row[5].value or "").startswith(LIVE) or harmless(row[5].value) == row[5].value
        )
