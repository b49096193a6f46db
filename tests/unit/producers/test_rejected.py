"""The file of rejected rows: whole, private, readable, and never in the way of another run."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.errors import InvalidRow, LocalResource
from seedcast.producers.staging.batches import BATCH
from seedcast.producers.staging.options import SubmitOptions, SubmitReport
from seedcast.producers.staging.rejected import KEPT, Rejected
from seedcast.producers.staging.run import Came
from seedcast.producers.staging.submit import submit_requests
from seedcast.settings import Settings
from tests.builders.files import a_file, dry_run, no_file_over, parquet

ERROR = InvalidRow(1, "text", expected="less", got="more")


def dry_rows(rows: Iterator[Came] | list[Came], file: Path) -> SubmitReport:
    options = SubmitOptions(campaign="night", voice=1, dry_run=True, rejected=file)
    return submit_requests(Settings(), rows, options)


def written(folder: Path, row: object, error: InvalidRow = ERROR) -> dict[str, object]:
    """Return the line that the file has for a row."""
    with closing(Rejected(folder / "rejected")) as rejected:
        rejected.add(error, row)
    (line,) = (folder / "rejected").read_bytes().splitlines()
    assert len(line) < 110_000
    found: dict[str, object] = json.loads(line)
    assert set(found) == {"row", "field", "expected", "got", "came"}
    return found


def test_rejected_rows_are_written_unchanged(tmp_path: Path) -> None:
    report = dry_run(a_file(tmp_path, "id,text\na,…\nb\nc,fine\n"))
    lines = [
        json.loads(line) for line in (tmp_path / "list.csv.rejected.jsonl").read_text().splitlines()
    ]
    assert report.rejected_file == tmp_path / "list.csv.rejected.jsonl"
    assert lines == [
        {
            "row": 1,
            "field": "text",
            "expected": "at least one letter or digit",
            "got": "nothing to speak",
            "came": {"id": "a", "text": "…"},
        },
        {"row": 2, "field": "", "expected": "2 columns", "got": "1", "came": "b"},
    ]


def test_rejected_rows_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    dry_run(a_file(tmp_path, "text\n…\n"))
    assert dry_run(a_file(tmp_path, "text\nfine\n")).rejected_file is None
    assert not (tmp_path / "list.csv.rejected.jsonl").exists()


def test_rejected_rows_replace_those_of_an_earlier_run_only_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "rejected"

    def rows() -> Iterator[Came]:
        yield from ({"text": "…"} for _ in range(2 * BATCH))
        assert file.read_text() == "of another run"
        raise KeyboardInterrupt

    file.write_text("of another run")
    with pytest.raises(KeyboardInterrupt):
        dry_rows(rows(), file)
    assert list(tmp_path.iterdir()) == [file]
    assert len(file.read_text().splitlines()) == 2 * BATCH


def test_the_report_has_the_first_hundred_rejections_and_the_file_all(tmp_path: Path) -> None:
    report = dry_run(a_file(tmp_path, "text\n" + "…\n" * 250))
    assert (report.rejected, len(report.rejections)) == (250, 100)
    assert len((tmp_path / "list.csv.rejected.jsonl").read_text().splitlines()) == 250


def test_the_rows_can_be_read_before_the_file_is_closed(tmp_path: Path) -> None:
    """They go beside the list and into the object store."""
    for path in (None, tmp_path / "rejected"):
        with closing(Rejected(path)) as rejected:
            assert rejected.lines() is None
            rejected.add(ERROR, {"text": "…"})
            lines = rejected.lines()
            assert lines
            assert json.loads(lines.read())["came"] == {"text": "…"}
        assert lines.closed
    assert json.loads((tmp_path / "rejected").read_text())["came"] == {"text": "…"}


def test_a_disk_that_is_full_at_the_end_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    path = a_file(tmp_path, "text\n" + "…\n" * 5)
    with no_file_over(64), pytest.raises(LocalResource, match=r"rejected rows.*--rejected"):
        dry_run(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", [None, "rejected"])
def test_a_disk_that_is_full_before_the_rows_are_stored_is_the_same_error(
    tmp_path: Path, name: str | None
) -> None:
    rejected = Rejected(tmp_path / name if name else None)
    rejected.add(ERROR, {"text": "…"})
    with no_file_over(64):
        with pytest.raises(LocalResource, match=r"rejected rows.*--rejected"):
            rejected.lines()
        with pytest.raises(LocalResource, match=r"rejected rows.*--rejected"):
            rejected.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "flat").touch()
    path = a_file(tmp_path, "text\n…\n")
    with pytest.raises(LocalResource, match=r"rejected rows .*flat/below.*; choose.*--rejected"):
        dry_run(path, rejected=tmp_path / "flat" / "below")
    assert dry_run(path, rejected=tmp_path / "elsewhere").rejected_file == tmp_path / "elsewhere"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every folder")
def test_beside_a_list_in_a_folder_that_is_read_only(tmp_path: Path) -> None:
    path, right = a_file(tmp_path, "text\n…\n"), a_file(tmp_path, "text\nHi.\n", "right.csv")
    tmp_path.chmod(0o500)
    with pytest.raises(LocalResource, match=r"list\.csv\.rejected\.jsonl.*--rejected"):
        dry_run(path)
    assert dry_run(right).accepted == 1, "no row is wrong, and no file is needed"


def test_where_no_row_is_wrong_no_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "flat").touch()
    for file in (tmp_path / "flat" / "below", tmp_path / "none" / "below"):
        assert dry_run(a_file(tmp_path, "text\nfine\n"), rejected=file).accepted == 1


def test_a_run_that_cannot_write_its_rows_leaves_those_of_an_earlier_one(tmp_path: Path) -> None:
    file = tmp_path / "rejected"
    file.write_text("of an earlier run")
    path = a_file(tmp_path, "text\n…\n")
    with no_file_over(0), pytest.raises(LocalResource):
        dry_run(path, rejected=file)
    assert file.read_text() == "of an earlier run"
    assert sorted(tmp_path.iterdir()) == sorted([path, file])


def test_two_at_once_in_one_process_do_not_mix_their_rows(tmp_path: Path) -> None:
    first, second = Rejected(tmp_path / "rejected"), Rejected(tmp_path / "rejected")
    for each, text in ((first, "one"), (second, "two"), (first, "three")):
        each.add(ERROR, {"text": text})
    for each, texts in ((first, ["one", "three"]), (second, ["two"])):
        each.close()
        lines = (tmp_path / "rejected").read_text().splitlines()
        assert [json.loads(line)["came"]["text"] for line in lines] == texts
    assert [path.name for path in tmp_path.iterdir()] == ["rejected"]


def test_what_tells_of_people_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "list.csv.rejected.jsonl"
    file.touch(mode=0o644)
    dry_run(a_file(tmp_path, "id,text\na,…\n"))
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_rejection_does_not_quote_the_text(tmp_path: Path) -> None:
    secret = "Anna owes 12 dollars\a"
    (rejection,) = dry_run(a_file(tmp_path, f"text\n{secret}\n")).rejections
    assert "Anna" not in str(rejection)


def test_a_row_with_typed_values_can_be_written(tmp_path: Path) -> None:
    assert dry_run(parquet(tmp_path, {"text": ["…"], "raw": [b"\xff"]})).rejected == 1


@pytest.mark.parametrize(
    "row",
    [
        {"text": "half \ud800"},
        {"text": 10**5000},
        {7: 10**5000},
        {"\ud800": "…"},
        {"metadata.\ud800": "x", "text": "Hello."},
        None,
    ],
)
def test_a_row_that_only_python_can_make_is_written_and_the_next_is_accepted(
    tmp_path: Path, row: object
) -> None:
    rows: list[Came] = [row, {"text": "Hello."}]  # type: ignore[list-item]
    report = dry_rows(rows, tmp_path / "rejected")
    assert (report.accepted, report.rejected) == (1, 1)
    assert json.loads((tmp_path / "rejected").read_text())["row"] == 1


@pytest.mark.parametrize(
    "row",
    [
        {"text": "x" * 1_000_000},
        {"text": "Hi.", "tags": ["y" * 100] * 10_000},
        {"text": "Hi.", "deep": {"a": {"b": "z" * 1_000_000}}},
        {f"column-{number}": "x" * 90 for number in range(5_000)},
        {"metadata." + "n" * 200_000: []},
        ["text", "y" * 5000],
    ],
)
def test_a_row_is_cut_to_a_readable_length(tmp_path: Path, row: object) -> None:
    field = max(map(str, row), key=len)  # type: ignore[call-overload]
    error = InvalidRow(1, field, expected="less", got="more" * 100_000)
    assert len(json.dumps(written(tmp_path, row, error))) < 10_000


cells = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | st.text(st.sampled_from('a\n"é您😀\ud800'), max_size=30).map(lambda text: text * 60)
    | st.binary(max_size=30).map(lambda data: data * 60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
names = st.text(st.sampled_from("né您\ud800"), max_size=9) | st.just("您" * 500)


@given(st.dictionaries(names, cells, max_size=5))
def test_no_value_and_no_name_is_longer_than_a_kibibyte(
    tmp_path_factory: pytest.TempPathFactory, row: dict[str, object]
) -> None:
    came = written(tmp_path_factory.mktemp("rejected"), row)["came"]
    # A row that JSON cannot hold is one value.
    for name, value in came.items() if isinstance(came, dict) else [("", came)]:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        # The two writers of JSON differ by the spaces after commas and colons.
        assert max(len(name.encode()), len(text.encode().replace(b", ", b","))) <= KEPT + 40


def test_the_start_of_a_long_value_alone_is_kept(tmp_path: Path) -> None:
    short = {"id": 7, "ok": True, "tags": ["a"], "none": None, "text": "y" * 1024}
    row = {**short, "long": "secret " * 1000, "wide": "您" * 342, "list": ["b" * 2000]}
    came = written(tmp_path, row)["came"]
    assert isinstance(came, dict)
    cut = {name: came.pop(name) for name in ("long", "wide", "list")}
    assert came == short
    assert cut["long"] == ("secret " * 1000)[:1002] + "… (7,000 characters)"
    assert cut["wide"] == "您" * 334 + "… (342 characters)"
    assert cut["list"] == '["' + "b" * 1000 + "… (2,004 characters)"
    assert [len(value.encode()) for value in cut.values()] == [KEPT, KEPT - 2, KEPT]


def test_half_a_character_is_written_as_its_code(tmp_path: Path) -> None:
    came = written(tmp_path, {"text": "half \ud800", "id": "a"})["came"]
    assert came == {"text": r"half \ud800", "id": "a"}


def test_the_start_of_a_line_that_is_no_row_is_kept(tmp_path: Path) -> None:
    assert written(tmp_path, "x" * 1024)["came"] == "x" * 1024
    assert written(tmp_path, "x" * 1025)["came"] == "x" * 1002 + "… (1,025 characters)"


def test_a_value_is_cut_though_its_start_and_the_note_have_as_many_characters(
    tmp_path: Path,
) -> None:
    text = "x" * 1002 + "é" * 20
    assert written(tmp_path, text)["came"] == "x" * 1002 + "… (1,022 characters)"
