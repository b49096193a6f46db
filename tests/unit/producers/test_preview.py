"""What a preview shows of a list, before anybody has read the rest of it."""

from pathlib import Path

import pytest

from seedcast.producers.staging.list_job import ListOptions
from seedcast.producers.staging.preview import CELL, SHOWN, ListPreview, Preview
from seedcast.settings import Settings


def preview(path: Path, **options: object) -> ListPreview:
    given = ListOptions(**{"voice": 7, **options}).of_submission("p", "p", dry_run=True)  # type: ignore[arg-type]
    return Preview(Settings(), path.name, given, lambda request: request.text.upper()).of(path)


def listed(folder: Path, text: str, name: str = "list.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_first_rows_are_shown_as_they_will_be_said(tmp_path: Path) -> None:
    lines = "".join(f"{n},Anna {n}\n" for n in range(1, 20))
    shown = preview(listed(tmp_path, f"id,name\n{lines}"), template="Dear {name}.", id_column="id")
    assert (shown.columns, shown.unreadable, shown.problem) == (("id", "name"), None, None)
    assert [row.row for row in shown.rows] == [1, 2, 3, 4, 5]
    assert len(shown.rows) == SHOWN
    first = shown.rows[0]
    assert (first.values, first.text, first.spoken) == (
        ("1", "Anna 1"),
        "Dear Anna 1.",
        "DEAR ANNA 1.",
    )
    assert (first.voice_seed, first.speed, first.speaker) == (7, 1.0, None)


def test_a_wrong_row_says_what_is_wrong_and_the_others_are_shown(tmp_path: Path) -> None:
    shown = preview(listed(tmp_path, "text,voice\nHello.,1\nHello.,abc\nHello.,3\n"))
    assert [row.text for row in shown.rows] == ["Hello.", None, "Hello."]
    wrong = shown.rows[1]
    assert (wrong.field, wrong.got, wrong.values) == ("voice", "'abc'", ("Hello.", "abc"))


def test_a_line_that_cannot_be_read_is_a_row_that_is_wrong(tmp_path: Path) -> None:
    shown = preview(listed(tmp_path, '{"text": "Hello."}\n{"text": \n', "list.jsonl"))
    assert [row.text for row in shown.rows] == ["Hello.", None]
    assert shown.rows[1].expected
    assert shown.columns == ("text",)


def test_wrong_options_are_told_beside_the_columns(tmp_path: Path) -> None:
    shown = preview(listed(tmp_path, "id,name\n1,Anna\n"), template="Dear {nobody}.")
    assert shown.columns == ("id", "name")
    assert shown.rows[0].values == ("1", "Anna")
    assert shown.problem
    assert "nobody" in shown.problem


@pytest.mark.parametrize(
    ("content", "name"), [("", "list.csv"), ("a,a\n1,2\n", "list.csv"), ("x", "list.xlsx")]
)
def test_a_file_that_is_no_list_says_why_and_nothing_of_where_it_lay(
    tmp_path: Path, content: str, name: str
) -> None:
    shown = preview(listed(tmp_path, content, name))
    assert shown.unreadable
    assert str(tmp_path) not in shown.unreadable
    assert shown.rows == ()


def test_cells_are_cut_and_controls_are_seen(tmp_path: Path) -> None:
    shown = preview(listed(tmp_path, f"text\n{'x' * 1000}\n\x1b[31mred\n"))
    assert shown.rows[0].values == ("x" * CELL + "…",)
    assert shown.rows[1].values == ("\\x1b[31mred",)


def test_the_lists_name_tells_its_format_and_not_its_copys(tmp_path: Path) -> None:
    copy = listed(tmp_path, "text\nHello.\n", "tmpabcd")
    given = ListOptions(voice=7).of_submission("p", "p", dry_run=True)
    shown = Preview(Settings(), "bills.csv", given, lambda request: request.text).of(copy)
    assert [row.text for row in shown.rows] == ["Hello."]
