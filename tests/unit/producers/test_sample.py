"""The example list: it is what the generator writes, and only its special rows are wrong."""

from pathlib import Path

from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BadRow
from seedcast.producers.rows.sample_list import rows, write_csv
from tests.builders.files import dry_run

EXAMPLE = Path(__file__).parents[3] / "examples" / "notifications.csv"


def test_the_example_is_what_the_generator_writes(tmp_path: Path) -> None:
    write_csv(tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes() == EXAMPLE.read_bytes()


def test_the_example_is_wrong_in_five_ways_and_has_duplicates(tmp_path: Path) -> None:
    report = dry_run(EXAMPLE, id_column="id", voice=None, rejected=tmp_path / "rejected.jsonl")
    wrong = sorted(rejection.field for rejection in report.rejections)
    assert wrong == ["id", "name", "profile", "text", "voice"]
    assert (report.rejected, report.duplicates) == (5, 3)
    assert report.accepted >= 300


def test_the_example_has_four_voices_and_two_profiles() -> None:
    good = [row[1] for row in read(EXAMPLE).rows if not isinstance(row, BadRow)]
    assert len({row["voice"] for row in good} - {"abc"}) == 4
    names = {name for row in good for name in str(row["profile"]).split(";")}
    assert names == {"phone", "telephony", "gramophone"}


def test_lists_of_any_length_begin_with_the_same_rows() -> None:
    assert len(list(rows(1000))) == 1000
    assert list(rows(1000))[:20] == list(rows(5000))[:20]
    assert len({row["id"] for row in rows(10)}) == 10
