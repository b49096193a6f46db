"""A whole list without servers: what is counted, what is refused, and its digest."""

import io
import json
import random
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from seedcast.catalog import profiles
from seedcast.errors import InvalidInput, LocalResource
from seedcast.producers.rows.build import Builder
from seedcast.producers.staging.id_runs import Known
from seedcast.producers.staging.known_ids import KnownIds
from seedcast.producers.staging.options import SubmitOptions, SubmitProgress, shown_options
from seedcast.producers.staging.part_writer import PartWriter
from seedcast.producers.staging.rejected import Rejected
from seedcast.producers.staging.run import Given, Run
from seedcast.producers.staging.submit import submit_file, submit_requests
from seedcast.schemas.messages import Style
from seedcast.settings import PostprocessSettings, Settings
from seedcast.storage.memory_store import MemoryStore
from tests.builders.files import a_file, accepted, dry_run, no_file_over
from tests.builders.fuzz import values

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROFILES = profiles.load(PostprocessSettings())


def test_every_row_is_counted_once(tmp_path: Path) -> None:
    path = a_file(tmp_path, "id,text\na,One.\nb,Two.\na,One.\na,Other.\nc,…\nd\n")
    report = dry_run(path, id_column="id")
    assert (report.rows, report.accepted, report.duplicates, report.rejected) == (6, 2, 1, 3)
    assert not report.before
    assert [(r.row, r.field) for r in report.rejections] == [(4, "id"), (5, "text"), (6, "")]


def test_the_same_id_with_other_content_names_both_rows(tmp_path: Path) -> None:
    path = a_file(tmp_path, "id,text\na,One.\na,Other.\n")
    (rejection,) = dry_run(path, id_column="id").rejections
    assert (rejection.row, rejection.field) == (2, "id")
    assert "row 1" in rejection.expected
    assert "'a'" in rejection.got


def test_a_past_deadline_is_an_error_of_that_row(tmp_path: Path) -> None:
    report = dry_run(
        a_file(tmp_path, "text,deadline\nlate,2020-01-01T00:00:00Z\nsoon,1h\nwhenever,\n")
    )
    assert report.accepted == 2
    assert [(r.row, r.field, r.got) for r in report.rejections] == [
        (1, "deadline", "2020-01-01T00:00:00+00:00")
    ]


def test_progress_is_reported_while_rows_are_read(tmp_path: Path) -> None:
    seen: list[SubmitProgress] = []
    rows = ({"text": f"Number {number}."} for number in range(5000))
    submit_requests(
        Settings(), rows, SubmitOptions(campaign="night", voice=1, dry_run=True), seen.append
    )
    assert [progress.rows for progress in seen] == [2048, 4096, 5000]


def test_options_are_checked_before_the_brokers_are_asked(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="option template"):
        dry_run(a_file(tmp_path, "text\nfine\n"), template="{", dry_run=False)


def test_a_list_names_voices_of_the_settings_file(tmp_path: Path) -> None:
    voices = a_file(tmp_path, "[anna]\nseed = 7\n", "voices.toml")
    path = a_file(tmp_path, "text,voice\nHello.,anna\nHi.,carl\n")
    options = SubmitOptions(campaign="night", dry_run=True)
    report = submit_file(Settings(voices=str(voices)), path, options)
    assert [(rejection.row, rejection.field, rejection.got) for rejection in report.rejections] == [
        (2, "voice", "'carl'")
    ]
    requests = accepted(path, options, Settings(voices=str(voices)))
    assert [request.voice_seed for request in requests] == [7]


def test_the_options_of_a_list_are_in_its_requests(tmp_path: Path) -> None:
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
    [request] = accepted(path, options)
    assert (request.text_format, request.locale) == ("markup", "en-GB")
    assert request.text == (
        '<sub alias="the web">W3C</sub> <say-as interpret-as="date">12/05/2026</say-as>'
    )
    with pytest.raises(InvalidInput, match=r"lexicon /no/such.toml"):
        submit_file(Settings(), path, replace(options, lexicon="/no/such.toml"))


def test_a_dry_run_leaves_no_file(tmp_path: Path) -> None:
    path = a_file(tmp_path, "text\nfine\n")
    assert dry_run(path).state is None
    assert list(tmp_path.iterdir()) == [path]


def test_a_campaigns_record_shows_no_text_of_its_options() -> None:
    options = SubmitOptions(
        campaign="night",
        template="Dear {name}",
        speaker="secret",
        voice="mei",
        speed=1.0,
        deadline="2h",
        style=Style(oral=1),
        rejected=Path("somewhere"),
    )
    assert shown_options(options) == {"voice": "mei", "deadline": "2h"}


def test_a_disk_without_room_for_the_ids_is_an_error_that_names_the_folder() -> None:
    entries = {f"request-{number}": Known(bytes(32), number) for number in range(300_000)}
    with (
        no_file_over(65_536),
        closing(KnownIds()) as known,
        pytest.raises(LocalResource, match=r"temporary file .*TMPDIR"),
    ):
        known.add(entries)


def a_run(writer: PartWriter | None = None, **options: object) -> Run:
    chosen = SubmitOptions(campaign="night", voice=1, **options)  # type: ignore[arg-type]
    builder = Builder(chosen, NOW, PROFILES)
    return Run(builder, NOW, chosen.id_column, KnownIds(), Rejected(None), writer, None)


def digests(rows: list[Given], **options: object) -> tuple[int, str, str]:
    run = a_run(**options)
    for start in range(0, len(rows), 3):  # repeats come in one batch, and in two
        run.take(rows[start : start + 3])
    assert run.rows == run.accepted + run.duplicates + run._rejected.count
    return run.accepted, run.digest.hex(), run.ids_digest.hex()


ROWS = [{"id": f"n-{number}", "text": f"Number {number}."} for number in range(10)]
table = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from("abc"), "text": st.sampled_from(["1", "2", "…"])}),
    max_size=12,
)


@given(table)
def test_rows_are_accepted_duplicates_or_rejected(rows: list[dict[str, str]]) -> None:
    accepted_rows, _, _ = digests(list(enumerate(rows, 1)), id_column="id")
    assert accepted_rows == len({row["id"] for row in rows if row["text"] != "…"})


def test_rows_with_ids_of_their_own_may_come_in_any_order() -> None:
    shuffled = random.Random(7).sample(ROWS, len(ROWS))
    one, other = list(enumerate(ROWS, 1)), list(enumerate(shuffled, 1))
    assert digests(one, id_column="id") == digests(other, id_column="id")
    assert digests(one) != digests(other), "without ids of their own, rows are their numbers"


def test_the_digest_tells_the_content_and_that_of_ids_only_the_ids() -> None:
    rows = list(enumerate(ROWS, 1))
    _, content, ids = digests(rows, id_column="id")
    for options in ({"speed": 1.5}, {"profiles": ("wav",)}, {"deadline": "2h"}):
        _, other_content, other_ids = digests(rows, id_column="id", **options)
        assert other_content != content
        assert other_ids == ids
    assert digests(rows[:-1], id_column="id")[2] != ids


odd = values | st.sampled_from([10**5000, "half \ud800", {1, 2}, {(1, 2): 3}, NOW, Path("a")])


names = st.text(max_size=5).map(lambda name: f"_{name}")  # none of a field, such as voice


@given(st.dictionaries(names, odd, max_size=4))
@example({"a": 10**5000, "b": {(1, 2): {3}}})
def test_whatever_an_accepted_row_has_is_staged_as_json(columns: dict[str, object]) -> None:
    store = MemoryStore()
    writer = PartWriter(store, "night", "0" * 16, lambda _: None)
    run = a_run(writer)
    run.take([(1, {**columns, "text": "Hello."})])
    writer.finish(None)
    assert run.accepted == 1
    (part,) = store.list()
    (row,) = parquet.read_table(io.BytesIO(store.get(part.uri))).to_pylist()
    source = json.loads(row["source"])
    assert set(source) == {*columns, "text"}
    assert "Hello." in source["text"]
