"""Excel workbooks: typed cells, cells without a value of their own, and bad files."""

import datetime
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from seedcast.errors import InvalidInput
from seedcast.producers.rows import workbook_cells
from seedcast.producers.rows.file_options import DETECTED, FileOptions
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BadRow
from seedcast.producers.rows.values import InvalidValue, row_id, to_text
from seedcast.producers.staging.options import SubmitOptions
from tests.builders.files import a_file, accepted, dry_run, parquet
from tests.builders.workbooks import (
    DATE,
    LENGTH,
    MOMENT,
    TIME,
    Raw,
    a_list,
    shared_texts,
    sheet,
    styled,
    workbook,
)

NOT_CALCULATED = Raw("<c><f>1+1</f></c>")
ERROR = Raw('<c t="e"><f>1/0</f><v>#DIV/0!</v></c>')


def good(path: Path, options: FileOptions = DETECTED) -> list[tuple[int, dict[str, object]]]:
    rows = read(path, options).rows
    return [(row[0], dict(row[1])) for row in rows if not isinstance(row, BadRow)]


def bad(path: Path) -> list[tuple[int, str, str, str]]:
    errors = [row.error for row in read(path).rows if isinstance(row, BadRow)]
    return [(error.row, error.field, error.expected, error.got) for error in errors]


def test_cells_have_their_types(tmp_path: Path) -> None:
    path = a_list(
        tmp_path,
        ["id", "phone", "amount", "due", "at", "moment", "ok", "note", 2026],
        [
            1003,
            138001380000.0,
            12.5,
            styled(46000, DATE),
            styled(0.75, TIME),
            styled(46000.5, MOMENT),
            True,
            "号",
            None,
        ],
    )
    assert good(path) == [
        (
            1,
            {
                "id": 1003,
                "phone": 138001380000,
                "amount": 12.5,
                "due": datetime.date(2025, 12, 9),
                "at": datetime.time(18, 0),
                "moment": datetime.datetime(2025, 12, 9, 12, 0),
                "ok": True,
                "note": "号",
                "2026": "",
            },
        )
    ]


def test_dates_count_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    path = a_list(tmp_path, ["due"], [styled(44538, DATE)])
    with zipfile.ZipFile(path) as archive:
        main = archive.read("xl/workbook.xml").decode()
    main = main.replace("<sheets>", '<workbookPr date1904="1"/><sheets>')
    path = workbook(
        tmp_path,
        {"List": sheet([["due"], [styled(44538, DATE)]])},
        others={"xl/workbook.xml": main},
    )
    assert good(path) == [(1, {"due": datetime.date(2025, 12, 9)})]


def test_a_date_is_spoken_as_it_is_written_and_a_length_of_time_is_refused(tmp_path: Path) -> None:
    rows = [styled(46000, DATE)], [styled(46000.75, MOMENT)], [styled(0.75, TIME)]
    path = a_list(tmp_path, ["due"], *rows, [styled(1.5, LENGTH)])
    requests = accepted(path, SubmitOptions(campaign="n", template="{due}", voice=7))
    assert [request.text for request in requests] == ["2025-12-09", "2025-12-09 18:00", "18:00"]
    (wrong,) = dry_run(path, template="{due}").rejections
    assert (wrong.row, wrong.field, wrong.got) == (4, "due", "timedelta")


def test_a_workbook_and_parquet_and_csv_give_the_same_request(tmp_path: Path) -> None:
    columns = ["id", "voice", "metadata.phone", "amount"]
    (tmp_path / "a").mkdir()
    floats = [[1003.0], [7.0], [138001380000.0], [12.5]]
    decimals = [[Decimal("1003.00")], [7], [Decimal(138001380000)], [12.5]]
    paths = [
        a_list(tmp_path, columns, [1003, 7, 138001380000, 12.5]),
        parquet(tmp_path, dict(zip(columns, floats, strict=True))),
        parquet(tmp_path / "a", dict(zip(columns, decimals, strict=True))),
        a_file(tmp_path, f"{','.join(columns)}\n1003,7,138001380000,12.5\n"),
    ]
    options = SubmitOptions(campaign="n", id_column="id", template="Pay {amount}.")
    requests = [
        (request.request_id, request.metadata, request.voice_seed, request.text)
        for path in paths
        for request in accepted(path, options)
    ]
    assert len(requests) == 4
    assert all(request == requests[0] for request in requests)
    assert requests[0][1] == {"id": "1003", "phone": "138001380000", "row": "1"}


def test_a_number_that_has_lost_digits_is_no_id(tmp_path: Path) -> None:
    path = a_list(tmp_path, ["id", "text"], [1.5, "a"], [1.38e17, "b"], [True, "c"])
    report = dry_run(path, id_column="id")
    assert [(rejection.row, rejection.field) for rejection in report.rejections] == [
        (1, "id"),
        (2, "id"),
        (3, "id"),
    ]
    assert to_text(1.38e17) == "1.38e+17"
    with pytest.raises(InvalidValue, match="under 9007199254740992"):
        row_id(2.0**53)  # or 2⁵³ + 1, which becomes the same float
    assert row_id(-0.0) == "0"
    assert to_text(float("nan")) == "nan"
    assert to_text(Decimal("1e999999")) == "1E+999999"


def test_a_formula_gives_what_it_was_calculated_to(tmp_path: Path) -> None:
    formulas = [
        Raw('<c t="str"><f>A1</f><v>Hi.</v></c>'),
        Raw("<c><f>1+1</f><v>2</v></c>"),
        Raw('<c t="str"><f>IF(1,"")</f><v></v></c>'),
        Raw('<c t="b"><f>1=1</f><v>1</v></c>'),
    ]
    assert good(a_list(tmp_path, ["a", "b", "c", "d"], formulas)) == [
        (1, {"a": "Hi.", "b": 2, "c": "", "d": True})
    ]


def test_an_error_and_a_formula_without_a_value_are_errors_of_their_row(tmp_path: Path) -> None:
    empty = Raw("<c><f>1+1</f><v></v></c>")  # as openpyxl writes it
    path = a_list(
        tmp_path,
        ["a", "b"],
        ["x", ERROR],
        [NOT_CALCULATED, "y"],
        ["x", empty],
        ["x", "y"],
        ["x", NOT_CALCULATED],
    )
    assert [row[:2] for row in good(path)] == [(4, {"a": "x", "b": "y"})]
    expected = "a value of its own"
    formula = "a formula that was never calculated"
    assert bad(path) == [
        (1, "b", expected, "an error, such as #N/A"),
        (2, "a", expected, formula),
        (3, "b", expected, formula),
        (5, "b", expected, formula),
    ]


def test_the_formula_of_a_list_to_choose_from_is_none_of_the_last_row(tmp_path: Path) -> None:
    choices = "<extLst><ext><dataValidation><f>Other!$A$1:$A$9</f></dataValidation></ext></extLst>"
    body = sheet([["shop"], ["North"]]).replace("</sheetData>", f"</sheetData>{choices}")
    assert good(workbook(tmp_path, {"A": body})) == [(1, {"shop": "North"})]


def test_rows_without_values_count_and_are_left_out(tmp_path: Path) -> None:
    path = a_list(tmp_path, [], ["id", "text"], ["1", "a"], [], [None, ""], ["2", "b"])
    assert [number for number, _ in good(path)] == [1, 4]


def test_cells_merged_down_a_column_have_their_value_in_each_row(tmp_path: Path) -> None:
    rows = [["id", "shop"], [1, "North"], [2], [3], [4, "South"], [5]]
    assert [row["shop"] for _, row in good(a_list(tmp_path, *rows, merged=["B2:B4"]))] == [
        "North",
        "North",
        "North",
        "South",
        "",
    ]


def test_cells_merged_across_columns_are_errors_of_their_rows(tmp_path: Path) -> None:
    rows = [["id", "a", "b"], [1, "x", "y"], [2, "x"], [3, "x"], [4, "x", "y"]]
    path = a_list(tmp_path, *rows, merged=["B3:C4"])
    assert [number for number, _ in good(path)] == [1, 4]
    assert [(row, field, got) for row, field, _, got in bad(path)] == [
        (2, "a", "cells merged across columns"),
        (3, "a", "cells merged across columns"),
    ]


@pytest.mark.parametrize("header", [["id", "text", "id"], ["id", None, "text"], ["id", " ", "b"]])
def test_a_header_that_is_wrong_says_what_to_do(tmp_path: Path, header: list[object]) -> None:
    with pytest.raises(InvalidInput, match=r"list.xlsx, sheet 'List': .*in the header"):
        read(a_list(tmp_path, header, ["1", "2", "3"]))


@pytest.mark.parametrize("merged", ["A1:B1", "A1:A2"])
def test_a_header_of_merged_cells_is_refused(tmp_path: Path, merged: str) -> None:
    with pytest.raises(InvalidInput, match=r"row 1 of the sheet.*merged cells; delete the titles"):
        read(a_list(tmp_path, ["Bills of July"], ["id", "text"], ["1", "2"], merged=[merged]))


def test_a_value_in_a_column_without_a_name_is_an_error_of_its_row(tmp_path: Path) -> None:
    path = a_list(tmp_path, ["id"], ["1"], ["2", None, "note"])
    assert bad(path) == [(2, "column C", "a name for its column in the header", "a value")]
    assert [number for number, _ in good(path)] == [1]


def test_the_sheet_is_asked_for_where_there_are_several(tmp_path: Path) -> None:
    path = workbook(
        tmp_path, {"Notes": sheet([["x"], ["1"]]), "List & more": sheet([["y"], ["2"]])}
    )
    with pytest.raises(InvalidInput, match="one visible sheet; got 'Notes', 'List & more'; say"):
        read(path)
    assert good(path, FileOptions(sheet="List & more")) == [(1, {"y": "2"})]
    with pytest.raises(InvalidInput, match="expected a sheet 'list'; got 'Notes'"):
        read(path, FileOptions(sheet="list"))


def test_the_cells_of_the_chosen_sheet_are_judged(tmp_path: Path) -> None:
    sheets = {"A": sheet([["x"], [ERROR]]), "B": sheet([["x"], ["1"]])}
    path = workbook(tmp_path, sheets)
    assert good(path, FileOptions(sheet="B")) == [(1, {"x": "1"})]
    assert good(path, FileOptions(sheet="A")) == []


@pytest.mark.parametrize("rows", [[], [[]], [[None, ""]]])
def test_a_sheet_without_values_is_refused(tmp_path: Path, rows: list[list[object]]) -> None:
    with pytest.raises(InvalidInput, match="has no rows; expected a header"):
        read(a_list(tmp_path, *rows))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
@pytest.mark.parametrize("entity", ["SYSTEM 'file:///etc/passwd'", "'aaaa'"])
def test_an_entity_is_refused(tmp_path: Path, part: str, entity: str) -> None:
    body = f"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a {entity}>]><x>&a;</x>"
    path = workbook(tmp_path, {"A": sheet([["x"]])}, others={part: body})
    with pytest.raises(InvalidInput, match="expected XML without entities; got a DOCTYPE"):
        read(path)


def test_macros_are_refused(tmp_path: Path) -> None:
    rows = {"A": sheet([["x"], ["1"]])}
    with pytest.raises(InvalidInput, match=r"without macros; got macros; save it as .xlsx"):
        read(workbook(tmp_path, rows, others={"xl/vbaProject.bin": b"x"}))
    with pytest.raises(InvalidInput, match=r"got .xlsm; save it as .xlsx, without macros"):
        read(workbook(tmp_path, rows, "list.xlsm"))


@pytest.mark.parametrize("honest", [True, False])
def test_a_bomb_is_refused_before_it_is_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, honest: bool
) -> None:
    monkeypatch.setattr("seedcast.producers.rows.bounds.ALWAYS", 100_000)
    rows = {"A": sheet([["x"], ["1"]])}
    path = workbook(tmp_path, rows, others={"xl/sharedStrings.xml": "<sst>" + " " * 20_000_000})
    if not honest:  # the archive says that the part has a hundred bytes
        data = path.read_bytes()
        size = (20_000_005).to_bytes(4, "little")
        assert data.count(size) == 2
        path.write_bytes(data.replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(InvalidInput, match=r"at most 200 times its size unpacked.*got more"):
        read(path)


def test_a_cell_far_out_is_refused(tmp_path: Path) -> None:
    far = sheet([["x"]]).replace("<row>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c>')
    with pytest.raises(InvalidInput, match=r"at most 20,000,000 cells.*1,048,576 rows and 16,384"):
        read(workbook(tmp_path, {"A": far}))


def test_one_text_in_each_of_many_cells_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Raw('<c t="s"><v>0</v></c>')
    others = shared_texts("a" * 30_000)
    rows = sheet([["text"], *[[shared]] * 30])
    assert len(good(workbook(tmp_path, {"A": rows}, others=others))) == 30
    monkeypatch.setattr(workbook_cells, "TEXT", 20 * 30_000)
    with pytest.raises(InvalidInput, match="expected at most 600,000 characters; got more"):
        read(workbook(tmp_path, {"A": rows}, others=others))


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "part"])
def test_a_damaged_workbook_is_refused(tmp_path: Path, damage: str) -> None:
    path = a_list(tmp_path, ["id"], *[[number] for number in range(1000)])
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[:-30]
    elif damage == "flipped":
        data[len(data) // 2] ^= 0xFF
    elif damage == "text":
        data = bytearray(b"id,text\n1,2\n")
    path.write_bytes(data)
    if damage == "part":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("xl/other.xml", "<x/>")
    with pytest.raises(InvalidInput, match=r"list\.xlsx"):
        list(read(path).rows)


def test_a_workbook_is_submitted(tmp_path: Path) -> None:
    path = workbook(
        tmp_path, {"A": sheet([["text"], ["x"]]), "B": sheet([["text"], ["Hi."], ["…"]])}
    )
    report = dry_run(path, sheet="B")
    assert (report.accepted, report.rejected) == (1, 1)
