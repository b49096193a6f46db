"""A whole list without Kafka: the counts, the rejections, and the file of rejected rows."""

import json
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from seedcast.errors import InvalidInput, InvalidRow, LocalResource
from seedcast.kafka.partitioner import partition
from seedcast.producers.staging import submit
from seedcast.producers.staging.journal import Journal
from seedcast.producers.staging.options import SubmitOptions, SubmitProgress
from seedcast.producers.staging.rebuild import rebuild_file
from seedcast.producers.staging.rejected import Rejected
from seedcast.producers.staging.run import Came
from seedcast.producers.staging.submit import BATCH, submit_file, submit_requests
from seedcast.settings import Settings
from tests.builders.files import a_file, dry_run, parquet


def test_every_row_is_counted_once(tmp_path: Path) -> None:
    path = a_file(tmp_path, "id,text\na,One.\nb,Two.\na,One.\na,Other.\nc,…\nd\n")
    report = dry_run(path, id_column="id")
    assert (report.rows, report.new, report.duplicates) == (6, 2, 1)
    assert (report.resumed, report.rejected) == (0, 3)
    assert [(r.row, r.field) for r in report.rejections] == [(4, "id"), (5, "text"), (6, "")]


def test_the_same_id_with_other_content_names_both_rows(tmp_path: Path) -> None:
    path = a_file(tmp_path, "id,text\na,One.\na,Other.\n")
    (rejection,) = dry_run(path, id_column="id").rejections
    assert (rejection.row, rejection.field) == (2, "id")
    assert "row 1" in rejection.expected
    assert "'a'" in rejection.got


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


def test_a_past_deadline_is_an_error_of_that_row(tmp_path: Path) -> None:
    report = dry_run(
        a_file(tmp_path, "text,deadline\nlate,2020-01-01T00:00:00Z\nsoon,1h\nwhenever,\n")
    )
    assert report.new == 2
    assert [(r.row, r.field, r.got) for r in report.rejections] == [
        (1, "deadline", "2020-01-01T00:00:00+00:00")
    ]


def test_rejected_rows_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    dry_run(a_file(tmp_path, "text\n…\n"))
    assert dry_run(a_file(tmp_path, "text\nfine\n")).rejected_file is None
    assert not (tmp_path / "list.csv.rejected.jsonl").exists()


def test_rejected_rows_replace_those_of_an_earlier_run_only_at_the_end(tmp_path: Path) -> None:
    def rows() -> Iterator[Came]:
        yield from ({"text": "…"} for _ in range(2 * BATCH))
        assert (tmp_path / "night.rejected.jsonl").read_text() == "of another run"
        raise KeyboardInterrupt

    (tmp_path / "night.rejected.jsonl").write_text("of another run")
    with pytest.raises(KeyboardInterrupt):
        submit_requests(
            Settings(),
            rows(),
            SubmitOptions(campaign="night", voice=1, dry_run=True, state_dir=tmp_path),
        )
    assert [path.name for path in tmp_path.iterdir()] == ["night.rejected.jsonl"]
    assert len((tmp_path / "night.rejected.jsonl").read_text().splitlines()) == 2 * BATCH


def test_a_run_refused_by_the_journal_leaves_the_rejected_rows_of_the_other_run(
    tmp_path: Path,
) -> None:
    path = a_file(tmp_path, "text\n…\n")
    (tmp_path / "list.csv.rejected.jsonl").write_text("of the one that runs")
    with (
        closing(Journal(tmp_path / "list.csv.night.journal")),
        pytest.raises(LocalResource, match="another process submits this campaign"),
    ):
        dry_run(path, dry_run=False)
    assert (tmp_path / "list.csv.rejected.jsonl").read_text() == "of the one that runs"


def test_a_disk_that_is_full_at_the_end_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    path = a_file(tmp_path, "text\n" + "…\n" * 5)
    with no_file_over(64), pytest.raises(LocalResource, match=r"rejected rows.*--state-dir"):
        dry_run(path)
    assert list(tmp_path.iterdir()) == [path]


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """Limit the size of files of this process, as a full disk would."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("row", [{"text": "half \ud800"}, {"text": 10**5000}, {7: 10**5000}, None])
def test_a_row_that_only_python_can_make_is_rejected_and_written_and_the_next_is_submitted(
    tmp_path: Path, row: object
) -> None:
    rows: list[Came] = [row, {"text": "Hello."}]  # type: ignore[list-item]
    report = submit_requests(
        Settings(), rows, SubmitOptions(campaign="night", voice=1, dry_run=True, state_dir=tmp_path)
    )
    assert (report.new, report.rejected) == (1, 1)
    assert json.loads((tmp_path / "night.rejected.jsonl").read_text())["row"] == 1


def test_a_dry_run_leaves_no_journal(tmp_path: Path) -> None:
    path = a_file(tmp_path, "text\nfine\n")
    assert dry_run(path).state is None
    assert list(tmp_path.iterdir()) == [path]


def test_a_rejected_row_with_typed_values_can_be_written(tmp_path: Path) -> None:
    assert dry_run(parquet(tmp_path, {"text": ["…"], "raw": [b"\xff"]})).rejected == 1


def test_a_rejection_does_not_quote_the_text(tmp_path: Path) -> None:
    secret = "Anna owes 12 dollars\a"
    (rejection,) = dry_run(a_file(tmp_path, f"text\n{secret}\n")).rejections
    assert "Anna" not in str(rejection)


@pytest.mark.parametrize("where", ["beside", "state_dir"])
def test_an_unwritable_folder_is_an_error_with_a_remedy(tmp_path: Path, where: str) -> None:
    (tmp_path / "flat").touch()
    options = {"state_dir": tmp_path / "flat" / "below"}
    with pytest.raises(LocalResource, match="--state-dir"):
        dry_run(a_file(tmp_path, "text\n…\n"), **options)


def test_state_dir_moves_the_rejected_rows(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    report = dry_run(a_file(tmp_path, "text\n…\n"), state_dir=tmp_path / "state")
    assert report.rejected_file == tmp_path / "state" / "list.csv.rejected.jsonl"


def test_the_report_has_the_first_hundred_rejections_and_the_file_all(tmp_path: Path) -> None:
    report = dry_run(a_file(tmp_path, "text\n" + "…\n" * 250))
    assert (report.rejected, len(report.rejections)) == (250, 100)
    assert len((tmp_path / "list.csv.rejected.jsonl").read_text().splitlines()) == 250


def test_progress_is_reported_while_rows_are_read(tmp_path: Path) -> None:
    seen: list[SubmitProgress] = []
    rows = ({"text": f"Number {number}."} for number in range(5000))
    submit_requests(
        Settings(), rows, SubmitOptions(campaign="night", voice=1, dry_run=True), seen.append
    )
    assert [progress.rows for progress in seen] == [2048, 4096, 5000, 5000]


def test_options_are_checked_before_the_brokers_are_asked(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="option template"):
        dry_run(a_file(tmp_path, "text\nfine\n"), template="{", dry_run=False)


@pytest.mark.parametrize(("spread", "used"), [(1, 1), (3, 3), (8, 8), (100, 8), (0, 8)])
def test_a_voice_spreads_over_as_many_partitions_as_the_option_says(spread: int, used: int) -> None:
    counts = [partition(b"2222", f"request-{number}".encode(), spread, 8) for number in range(4000)]
    assert len(set(counts)) == used
    assert max(map(counts.count, set(counts))) < 1.3 * len(counts) / used


def test_a_list_names_voices_of_the_settings_file(tmp_path: Path) -> None:
    voices = a_file(tmp_path, "[anna]\nseed = 7\n", "voices.toml")
    path = a_file(tmp_path, "text,voice\nHello.,anna\nHi.,carl\n")
    options = SubmitOptions(campaign="night", dry_run=True)
    report = submit_file(Settings(voices=str(voices)), path, options)
    assert [(rejection.row, rejection.field, rejection.got) for rejection in report.rejections] == [
        (2, "voice", "'carl'")
    ]
    rebuilt = rebuild_file(Settings(voices=str(voices)), path, options)
    assert [request.voice_seed for request in rebuilt] == [7]


def test_a_rebuilt_list_has_the_requests_that_were_submitted(tmp_path: Path) -> None:
    """The same file and options give the same texts, formats and locales: the same bytes."""
    lexicon = a_file(tmp_path, '[[entry]]\nword = "W3C"\nreading = "the web"\n', "words.toml")
    path = a_file(tmp_path, "id,due\na,12/05/2026\nb,soon\n")
    options = SubmitOptions(
        campaign="night",
        id_column="id",
        voice=1,
        template="W3C {due:date}",
        locale="en-GB",
        lexicon=lexicon,
        dry_run=True,
    )
    report = submit_file(Settings(), path, options)
    assert [(rejection.row, rejection.field) for rejection in report.rejections] == [(2, "due")]
    [request] = rebuild_file(Settings(), path, options)
    assert (request.text_format, request.locale) == ("markup", "en-GB")
    assert request.text == (
        '<sub alias="the web">W3C</sub> <say-as interpret-as="date">12/05/2026</say-as>'
    )
    with pytest.raises(InvalidInput, match=r"lexicon /no/such.toml"):
        submit_file(Settings(), path, replace(options, lexicon="/no/such.toml"))


def test_what_tells_of_people_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = a_file(tmp_path, "id,text\na,…\n")
    older = tmp_path / "list.csv.rejected.jsonl"
    older.touch(mode=0o644)
    dry_run(path)
    journal = tmp_path / "journal"
    Journal(journal).close()
    assert [file.stat().st_mode & 0o777 for file in (older, journal)] == [0o600] * 2


@pytest.mark.parametrize(
    "row",
    [
        {"text": "x" * 1_000_000},
        {"text": "Hi.", "tags": ["y" * 100] * 10_000},
        {"text": "Hi.", "deep": {"a": {"b": "z" * 1_000_000}}},
        {f"column-{number}": "x" * 90 for number in range(5_000)},
        {"metadata." + "n" * 200_000: []},
    ],
)
def test_a_rejected_row_is_cut_to_a_readable_length(tmp_path: Path, row: dict[str, object]) -> None:
    rejected = Rejected(tmp_path / "rejected")
    rejected.add(InvalidRow(1, max(row, key=len), expected="less", got="more" * 100_000), row)
    rejected.close()
    (line,) = (tmp_path / "rejected").read_bytes().splitlines()
    assert len(line) < 10_000
    assert set(json.loads(line)) == {"row", "field", "expected", "got", "came"}


def test_rejected_rows_keep_the_start_of_a_long_cell_alone(tmp_path: Path) -> None:
    rejected = Rejected(tmp_path / "rejected")
    error = InvalidRow(1, "text", expected="less", got="more")
    kept = {"id": 7, "ok": True, "tags": ["a"], "none": None, "text": "y" * 1000}
    rejected.add(error, {**kept, "long": "secret " * 1000})
    rejected.add(error, "x" * 1001)
    rejected.close()
    lines = [json.loads(line) for line in (tmp_path / "rejected").read_bytes().splitlines()]
    assert lines[0]["came"].pop("long") == ("secret " * 1000)[:1000] + "… (7,000 characters)"
    assert lines[0]["came"] == kept
    assert lines[1]["came"] == "x" * 1000 + "… (1,001 characters)"


def test_rows_that_are_large_come_in_smaller_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit, "BATCH_SIZE", 1000)
    rows = iter([(number, {"text": "x" * 400, "tags": ["y"]}) for number in range(7)])
    assert [len(batch) for batch in submit._batches(rows)] == [3, 3, 1]
