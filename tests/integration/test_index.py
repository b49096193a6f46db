"""What the results index stores and answers, in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from seedcast.errors import (
    IndexMismatch,
    InvalidInput,
    ListDamaged,
    OffsetsLost,
    StoreUnavailable,
    TopicMismatch,
)
from seedcast.schemas.messages import Campaign, Cursor, Output, Outputs
from seedcast.settings import IndexSettings, Settings
from seedcast.storage.index.database import connect, open_database
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.reader import open_index
from seedcast.storage.index.repositioning import reposition
from seedcast.storage.index.values import moment, unix_ms
from seedcast.storage.index.writer import IndexWriter, ListRow, TermOver
from tests.builders.indexed import (
    CREATED,
    STAGING,
    TOPIC,
    add,
    campaign_of,
    counts,
    everything,
    listed,
    reading,
    request_id,
    result,
    rows,
    writing,
)

# Of each test half of its cases, so that each database has half of the tests.
pytestmark = pytest.mark.sample(0.5)

ANOTHER = "f" * 16  # staging


@pytest.fixture
def writer(index_settings: IndexSettings) -> Iterator[IndexWriter]:
    with writing(index_settings) as begun:
        yield begun


def test_the_first_result_of_a_request_wins(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    assert add(writer, result("a", 1, "failed", at=1), result("a", 1, at=2)) == {"a"}
    assert add(writer, result("a", 1, "expired", at=3)) == set()
    assert counts(index_settings, "a") == (0, 1, 0, 0, 0)
    with reading(index_settings) as index:
        found = index.request(request_id(1))
        assert list(index.results()) == [result("a", 1, "failed").manifest]
    assert found is not None
    assert found.result == result("a", 1, "failed").result
    assert found.ended_at == datetime.fromtimestamp(0.001, UTC)


def test_the_same_id_in_two_campaigns_is_two_requests(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    add(writer, result("a", 1), result("b", 1, "failed"))
    assert counts(index_settings, "a") == (1, 0, 0, 0, 0)
    assert counts(index_settings, "b") == (0, 1, 0, 0, 0)
    with reading(index_settings) as index:
        of_b, first = index.request(request_id(1), "b"), index.request(request_id(1))
    assert of_b is not None
    assert first is not None
    assert (of_b.status, first.campaign_id) == ("failed", "a")


def test_a_list_says_what_is_waiting_before_it_has_a_result(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 3)])
    assert campaign_of(index_settings, "a").list_state == "pending"
    assert writer.pending_lists() == ["a"]
    writer.load_list("a", rows(3))
    assert writer.pending_lists() == []
    add(writer, result("a", 2, "failed"))
    with reading(index_settings) as index:
        assert [(each.row, each.own_id, each.status) for each in index.rows("a")] == [
            (1, "n-1", None),
            (2, "n-2", "failed"),
            (3, "n-3", None),
        ]
        waiting = index.rows("a", statuses={None})
        assert [each.row for each in waiting] == [1, 3]


@pytest.mark.parametrize("before", [True, False], ids=["before the list", "after the list"])
def test_a_stray_is_counted_nowhere_else(
    writer: IndexWriter, index_settings: IndexSettings, before: bool
) -> None:
    writer.put_campaigns([listed("a", 2)])
    if before:
        add(writer, result("a", 9, "failed"), result("a", 1))
        assert not campaign_of(index_settings, "a").progress.complete
    writer.load_list("a", rows(2))
    if not before:
        add(writer, result("a", 9, "failed"), result("a", 1))
    assert counts(index_settings, "a") == (1, 0, 0, 0, 1)
    campaign = campaign_of(index_settings, "a")
    assert campaign.errors == {}
    assert campaign.progress.stray_ids == (request_id(9),)
    with reading(index_settings) as index:
        assert [each.request_id for each in index.strays("a")] == [request_id(9)]
        assert [each.row for each in index.rows("a")] == [1, 2]


def test_results_before_the_list_could_be_strays(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 1)])
    add(writer, result("a", 9))
    progress = campaign_of(index_settings, "a").progress
    assert (progress.finished, progress.certain, progress.complete) == (1, False, False)


def test_results_of_unknown_and_unreadable_campaigns_are_kept_under_their_name(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    assert add(writer, result("elsewhere", 1), result(None, 2, "failed")) == {"elsewhere", ""}
    assert counts(index_settings, "elsewhere") == (1, 0, 0, 0, 0)
    assert counts(index_settings, "") == (0, 1, 0, 0, 0)
    assert campaign_of(index_settings, "").campaign is None
    with reading(index_settings) as index:
        assert [each.campaign_id for each in index.campaigns()] == ["", "elsewhere"]


def test_figures_are_those_of_the_counted_results(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 3)])
    writer.load_list("a", rows(3))
    add(writer, result("a", 1, at=5_000, duration=1.25), result("a", 9, at=1, duration=99.0))
    add(writer, result("a", 2, at=3_000, duration=0.5), result("a", 3, "failed", at=4_000))
    campaign = campaign_of(index_settings, "a")
    assert campaign.progress.audio_seconds == 1.75
    assert campaign.progress.rate == 1.5  # three in the two seconds between 3,000 and 5,000 ms
    assert campaign.errors == {"unstable": 1}


def test_errors_are_counted_by_code(writer: IndexWriter, index_settings: IndexSettings) -> None:
    add(writer, result("a", 1, "failed", "no_speech"), result("a", 2, "failed", "no_speech"))
    add(writer, result("a", 3, "expired", "expired"), result("a", 4, "cancelled", "cancelled"))
    assert counts(index_settings, "a") == (0, 2, 1, 1, 0)
    errors = campaign_of(index_settings, "a").errors
    assert list(errors.items()) == [("no_speech", 2), ("cancelled", 1), ("expired", 1)]


def test_a_cursor_is_that_of_the_campaigns_list(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    cursor = Cursor(campaign_id="a", staging=STAGING, fed=5, unfed=(1,), rendering=3, generation=1)
    writer.put_cursors([cursor])  # it may come before its campaign
    writer.put_campaigns([listed("a", 9)])
    assert (campaign_of(index_settings, "a").fed, campaign_of(index_settings, "a").spoken) == (4, 3)
    held = Cursor(campaign_id="a", staging=STAGING, fed=9, generation=1, held="a part is missing")
    writer.put_cursors([held])
    assert campaign_of(index_settings, "a").fed == 9
    assert campaign_of(index_settings, "a").held == "a part is missing"
    writer.put_cursors([Cursor(campaign_id="a", staging=ANOTHER, fed=7, generation=2)])
    assert campaign_of(index_settings, "a").fed == 0


def test_a_record_that_changes_is_written_again(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 2)])
    writer.load_list("a", rows(2))
    add(writer, result("a", 1))
    writer.put_campaigns([listed("a", 2, "cancelled")])
    campaign = campaign_of(index_settings, "a")
    assert (campaign.campaign, campaign.list_state) == (listed("a", 2, "cancelled"), "loaded")
    assert counts(index_settings, "a") == (1, 0, 0, 0, 0)


def test_a_tombstone_forgets_the_list_and_keeps_the_results(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 2), listed("b", 1)])
    writer.load_list("a", rows(2))
    add(writer, result("a", 1), result("a", 9))
    writer.remove_campaigns(["a", "b", "never"])
    campaign = campaign_of(index_settings, "a")
    assert (campaign.campaign, campaign.list_state) == (None, "none")
    assert counts(index_settings, "a") == (2, 0, 0, 0, 0)
    with reading(index_settings) as index:
        assert [each.request_id for each in index.rows("a")] == [request_id(1), request_id(9)]
        assert [each.campaign_id for each in index.campaigns()] == ["a"]


@pytest.mark.parametrize("tombstone", ["seen", "not seen"])
def test_a_list_under_a_name_used_again_begins_at_nothing(
    writer: IndexWriter, index_settings: IndexSettings, tombstone: str
) -> None:
    """Without a column of ids its rows have the ids of the older list's, so they may be equal."""
    writer.put_campaigns([listed("a", 3)])
    writer.load_list("a", rows(3))
    add(writer, result("a", 1), result("a", 2, "failed"), result("a", 9))
    if tombstone == "seen":
        writer.remove_campaigns(["a"])
        assert counts(index_settings, "a") == (2, 1, 0, 0, 0)
    writer.put_campaigns([listed("a", 2, staging=ANOTHER)])
    assert counts(index_settings, "a") == (0, 0, 0, 0, 0)
    assert writer.pending_lists() == ["a"]
    writer.load_list("a", rows(2, first=2))
    assert writer.complete() == []
    add(writer, result("a", 2), result("a", 3))
    assert writer.complete() == ["a"]
    assert counts(index_settings, "a") == (2, 0, 0, 0, 0)
    with reading(index_settings) as index:
        (older,) = (each for each in index.campaigns() if each.campaign_id != "a")
        assert (older.campaign, older.campaign_id[:2], older.list_state) == (None, "a~", "none")
        assert (older.progress.succeeded, older.progress.failed) == (2, 1)
        kept = [each.request_id for each in index.rows(older.campaign_id)]
        assert kept == [request_id(number) for number in (1, 2, 9)]
        asked = index.request(request_id(2))
        assert asked is not None
        assert asked.status == "succeeded", "a request without a campaign is that of the present"


def test_a_list_whose_record_comes_back_has_its_results_again(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 2)])
    writer.load_list("a", rows(2))
    add(writer, result("a", 1))
    writer.remove_campaigns(["a"])
    add(writer, result("a", 2, "failed"), result("a", 9))
    writer.put_campaigns([listed("a", 2)])
    assert writer.pending_lists() == ["a"]
    writer.load_list("a", rows(2))
    assert counts(index_settings, "a") == (1, 1, 0, 0, 1)
    assert writer.complete() == ["a"]


def test_a_list_under_the_name_of_events_takes_none_of_their_results(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([Campaign(campaign_id="a", state="open", created_at=CREATED)])
    add(writer, result("a", 1))
    writer.remove_campaigns(["a"])
    writer.put_campaigns([listed("a", 1)])
    writer.load_list("a", rows(1))
    assert counts(index_settings, "a") == (0, 0, 0, 0, 0)


def test_results_that_come_before_their_record_are_the_lists(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    add(writer, result("a", 1))
    writer.remove_campaigns(["a"])  # which has no record to be removed
    writer.put_campaigns([listed("a", 1)])
    writer.load_list("a", rows(1))
    assert counts(index_settings, "a") == (1, 0, 0, 0, 0)


def test_a_campaign_is_complete_when_every_id_of_its_list_has_a_result(
    writer: IndexWriter,
) -> None:
    campaigns = [listed("a", 2), listed("b", 2, "cancelled"), listed("c", 2, "paused")]
    writer.put_campaigns(campaigns)
    for name in ("a", "b", "c"):
        # As many results as accepted, one of them a stray.
        add(writer, result(name, 1), result(name, 9))
        assert name not in writer.complete()
        writer.load_list(name, rows(2))
    assert writer.complete() == []
    add(writer, *(result(name, 2, "failed") for name in ("a", "b", "c")))
    assert writer.complete() == ["a", "b"]


def test_a_count_alone_completes_nothing(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 2)])
    writer.load_list("a", rows(2))
    with (
        open_database(index_settings, read_only=False) as database,
        database.transaction("miscounting") as connection,
    ):
        connection.exec_driver_sql("UPDATE campaigns SET succeeded = 2")
    assert writer.complete() == []


def test_a_campaign_of_events_is_never_complete(writer: IndexWriter) -> None:
    writer.put_campaigns([Campaign(campaign_id="a", state="open", created_at=CREATED)])
    add(writer, result("a", 1))
    assert writer.complete() == []


def test_a_list_that_cannot_be_read_changes_nothing(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    def interrupted() -> Iterator[ListRow]:
        yield from rows(6_000)
        raise StoreUnavailable("reading a part")

    writer.put_campaigns([listed("a", 9_000)])
    before = everything(index_settings)
    with pytest.raises(StoreUnavailable):
        writer.load_list("a", interrupted())
    assert everything(index_settings) == before
    assert writer.pending_lists() == ["a"]


@pytest.mark.parametrize("found", [2, 4])
def test_a_list_with_another_number_of_requests_is_damaged(
    writer: IndexWriter, index_settings: IndexSettings, found: int
) -> None:
    writer.put_campaigns([listed("a", 3)])
    before = everything(index_settings)
    with pytest.raises(ListDamaged, match=rf"expected 3 requests; got {found}"):
        writer.load_list("a", rows(found))
    assert everything(index_settings) == before


def test_a_list_that_is_not_pending_is_left_alone(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.load_list("never", rows(2))
    assert everything(index_settings) == ([], [])


def test_an_older_indexer_changes_nothing(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 1)])
    before = everything(index_settings)
    with open_database(index_settings, read_only=False) as database:
        IndexWriter.begin_term(database, "the next", TOPIC)
    writes = [
        lambda: add(writer, result("b", 1)),
        lambda: writer.put_campaigns([listed("b", 1)]),
        lambda: writer.remove_campaigns(["a"]),
        lambda: writer.put_cursors([]),
        lambda: writer.load_list("a", rows(1)),
        writer.pending_lists,
        writer.complete,
    ]
    for write in writes:
        with pytest.raises(TermOver, match="expected term 1, got 2"):
            write()
    assert everything(index_settings) == before


def test_a_position_that_has_moved_takes_nothing(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    add(writer, result("a", 1))
    before = everything(index_settings)
    for expected in (0, 2):
        with pytest.raises(TermOver, match=f"partition 0: expected position {expected}, got 1"):
            writer.add_results({1: (0, 7), 0: (expected, 9)}, [result("a", 2)])
    assert everything(index_settings) == before
    with reading(index_settings) as index:
        assert index.next_offsets() == {0: 1, 1: 0} == writer.positions


def test_positions_are_where_the_last_term_left_them(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    add(writer, result("a", 1), result("a", 2))
    grown = replace(TOPIC, log_starts={0: 2, 1: 0, 2: 40})
    with writing(index_settings, grown) as following:
        assert following.positions == {0: 2, 1: 0, 2: 40}


@pytest.mark.parametrize(
    "other", [{"cluster_id": "another"}, {"topic_id": "another"}, {"topic": "another.results"}]
)
def test_another_topic_is_refused(
    writer: IndexWriter, index_settings: IndexSettings, other: dict[str, str]
) -> None:
    with (
        open_database(index_settings, read_only=False) as database,
        pytest.raises(TopicMismatch, match="seedcast index rebuild"),
    ):
        IndexWriter.begin_term(database, "indexer", replace(TOPIC, **other))  # type: ignore[arg-type]


def test_records_that_were_deleted_unread_are_a_loud_gap(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    add(writer, result("a", 1))
    with (
        open_database(index_settings, read_only=False) as database,
        pytest.raises(
            OffsetsLost, match=r"partition 0: 6 records .*index reposition.*index rebuild"
        ),
    ):
        IndexWriter.begin_term(database, "indexer", replace(TOPIC, log_starts={0: 7, 1: 0}))


def test_after_a_gap_what_is_indexed_stays_and_what_was_lost_waits(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 3), listed("b", 1)])
    for name, number in (("a", 3), ("b", 1)):
        writer.load_list(name, rows(number))
    add(writer, result("a", 1), result("b", 1))
    gap = replace(TOPIC, log_starts={0: 7, 1: 0})  # among it the result of row 2
    assert reposition(index_settings, gap) == {0: 5}
    with pytest.raises(TermOver):
        writer.pending_lists()
    with writing(index_settings, gap) as following:
        assert following.positions == {0: 7, 1: 0}
        add(following, result("a", 3, "failed"))
        assert following.complete() == ["b"]
    assert counts(index_settings, "a") == (1, 1, 0, 0, 0)
    with reading(index_settings) as index:
        assert [each.row for each in index.rows("a", statuses={None})] == [2]
    assert reposition(index_settings, gap) == {}, "nothing moves where nothing is lost"
    with writing(index_settings, gap) as again:
        assert again.positions == {0: 8, 1: 0}


@pytest.mark.parametrize(
    "other", [{"cluster_id": "another"}, {"topic_id": "another"}, {"topic": "another.results"}]
)
def test_another_topic_is_read_from_its_beginning_and_counts_nothing_twice(
    writer: IndexWriter, index_settings: IndexSettings, other: dict[str, str]
) -> None:
    add(writer, result("a", 1), result("a", 2))
    copied = replace(TOPIC, log_starts={0: 4, 2: 0}, **other)  # type: ignore[arg-type]
    assert reposition(index_settings, copied) == {}
    with writing(index_settings, copied) as following:
        assert following.positions == {0: 4, 2: 0}
        add(following, result("a", 2, "failed"), result("a", 3))
    assert counts(index_settings, "a") == (3, 0, 0, 0, 0)


OUTPUTS = Outputs(
    **{
        name: Output(name=name, bytes=1, sha256="0" * 64)
        for name in ("results", "errors", "summary")
    }
)


def test_requests_of_a_list_that_ended_long_ago_go_and_its_figures_stay(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    written = msgspec.structs.replace(listed("a", 12, "completed"), outputs=OUTPUTS)
    writer.put_campaigns([written, listed("b", 1)])
    for name, number in (("a", 12), ("b", 1)):
        writer.load_list(name, rows(number))
        results = (result(name, row, at=5_000 + row) for row in range(2, number + 1))
        add(writer, result(name, 1, "failed", at=9_000), *results, result(name, 99))
    before = campaign_of(index_settings, "a")
    assert writer.complete() == ["b"], "a has outputs"
    assert writer.prunable(9_000) == []
    assert writer.prunable(9_001) == [written], "b has no outputs"
    today = unix_ms(datetime(2026, 12, 24, tzinfo=UTC))
    assert writer.prune("a", today, 5) == 5
    with reading(index_settings) as index:
        for ask in (
            lambda: list(index.rows("a")),
            lambda: list(index.strays("a")),
            lambda: list(index.results("a")),
            lambda: index.find("a", "n-1"),
            lambda: index.requests("a"),
        ):
            with pytest.raises(InvalidInput, match=r"2026-12-24.*_lists/a/results\.parquet"):
                ask()
        assert len(list(index.results())) == 2, "of the others"
    assert writer.prunable(9_001) == [written], "the rest is still to go"
    assert [writer.prune("a", today + 86_400_000, 5) for _ in range(3)] == [5, 3, 0]
    assert writer.prunable(9_001) == []
    assert add(writer, result("a", 1), result("a", 98), result("b", 7)) == {"b"}
    after = campaign_of(index_settings, "a")
    stray_ids = {"stray_ids": ()}
    assert after == replace(
        before, pruned_at=moment(today), progress=replace(before.progress, **stray_ids)
    )


def test_rows_that_are_deleted_while_they_are_read_are_told(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 3_000)])
    writer.load_list("a", rows(3_000))
    with reading(index_settings) as index:
        read = index.rows("a")
        next(read)
        writer.prune("a", 1, 5_000)
        with pytest.raises(InvalidInput, match="were deleted"):
            list(read)


def test_a_refused_term_ends_nobody_elses(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    with (
        open_database(index_settings, read_only=False) as database,
        pytest.raises(TopicMismatch),
    ):
        IndexWriter.begin_term(database, "indexer", replace(TOPIC, cluster_id="another"))
    assert add(writer, result("a", 1)) == {"a"}


def test_a_request_is_found_by_its_own_id_by_its_request_id_and_by_its_row(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 3)])
    writer.load_list(
        "a", [ListRow(1, request_id(1), "2"), ListRow(2, request_id(2), "x"), *rows(1, first=3)]
    )
    with reading(index_settings) as index:
        assert [each.row for each in index.find("a", "2")] == [1]  # an own id before a row
        assert [each.row for each in index.find("a", "3")] == [3]
        assert [each.row for each in index.find("a", request_id(2))] == [2]
        assert index.find("a", "y") == index.find("b", "x") == []


@pytest.mark.parametrize("own_id", ["a\0b", "\U0001f600" * 4000, "'; DROP TABLE requests; --"])
def test_whatever_a_row_calls_itself_can_be_stored_and_found(
    writer: IndexWriter, index_settings: IndexSettings, own_id: str
) -> None:
    writer.put_campaigns([listed("a", 1)])
    writer.load_list("a", [ListRow(1, request_id(1), own_id)])
    add(writer, result("b", 2, own_id=own_id))
    with reading(index_settings) as index:
        assert [each.request_id for each in index.find("a", own_id)] == [request_id(1)]
        assert [each.request_id for each in index.find("b", own_id)] == [request_id(2)]


@pytest.mark.parametrize("cut", [255, 256, 257, 300])
def test_ids_that_begin_alike_are_told_apart(
    writer: IndexWriter, index_settings: IndexSettings, cut: int
) -> None:
    """Whatever their length: an index of the database has their beginning only."""
    start = "ü" * cut
    ids = [start, f"{start}1", f"{start}2", f"{start}1" + "3" * 3_000]
    writer.put_campaigns([listed("a", 4)])
    writer.load_list("a", [ListRow(n, request_id(n), own) for n, own in enumerate(ids, 1)])
    add(writer, *(result("b", n, own_id=own) for n, own in enumerate(ids, 1)), result("a", 2))
    with reading(index_settings) as index:
        for campaign in ("a", "b"):
            for number, own in enumerate(ids, 1):
                (found,) = index.find(campaign, own)
                assert (found.request_id, found.own_id) == (request_id(number), own)
            assert index.find(campaign, f"{start}3") == []
        assert [each.own_id for each in index.rows("a", statuses={None})] == [ids[0], *ids[2:]]


def test_a_number_that_no_column_holds_is_stored_as_the_nearest(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    add(writer, result("a", 1, draw=2**63, duration=1e300))
    add(writer, result("a", 2, duration=-1.0))
    with reading(index_settings) as index:
        found = index.request(request_id(1))
    assert found is not None
    assert (found.draw, found.duration) == (2**31 - 1, 366 * 86_400)
    assert campaign_of(index_settings, "a").progress.audio_seconds == 366 * 86_400


def test_pages_join_without_a_gap(writer: IndexWriter, index_settings: IndexSettings) -> None:
    writer.put_campaigns([listed("a", 5)])
    # The order of the rows is not that of their ids.
    writer.load_list("a", [ListRow(6 - each.row, *each[1:]) for each in rows(5)])
    add(writer, *(result("a", number) for number in (2, 8, 9, 7)))
    walked, after = list[str](), None
    with reading(index_settings) as index:
        while True:
            page = index.requests("a", after=after, limit=2)
            walked += [each.request_id for each in page.requests]
            assert len(page.requests) <= 2
            if (after := page.after) is None:
                break
    assert walked == [request_id(number) for number in (5, 4, 3, 2, 1, 7, 8, 9)]


def test_a_page_of_errors_is_in_the_lists_order_whatever_their_codes(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    writer.put_campaigns([listed("a", 6)])
    writer.load_list("a", rows(6))
    add(
        writer,
        result("a", 5, "failed", "engine_error"),
        result("a", 2, "failed", "unstable"),
        result("a", 3, "expired", "expired"),
        result("a", 4),
        result("a", 1, "failed", "engine_error"),
        result("a", 9, "failed", "engine_error"),
    )
    with reading(index_settings) as index:
        first = index.requests("a", status="failed", limit=2)
        assert [each.row for each in first.requests] == [1, 2]
        rest = index.requests("a", status="failed", limit=2, after=first.after)
        assert [each.request_id for each in rest.requests] == [request_id(5), request_id(9)]
        assert rest.after is None
        coded = index.requests("a", error="engine_error").requests
        assert [each.request_id for each in coded] == [request_id(each) for each in (1, 5, 9)]
        assert [each.row for each in index.requests("a", status="expired").requests] == [3]
        assert [each.row for each in index.requests("a", status="succeeded").requests] == [4]
        mixed = index.rows("a", statuses={"expired", "failed"})
        assert [each.row for each in mixed] == [1, 2, 3, 5]


def test_a_page_that_begins_nowhere_is_refused(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    with reading(index_settings) as index:
        for after in ("", "7", "x:request-0001"):
            with pytest.raises(InvalidInput, match="ROW:REQUEST_ID"):
                index.requests("a", after=after)


def test_reading_all_rows_takes_pages(writer: IndexWriter, index_settings: IndexSettings) -> None:
    writer.put_campaigns([listed("a", 2_500)])
    writer.load_list("a", rows(2_500))
    add(writer, *(result("a", number) for number in range(1_000, 5_000)))
    with reading(index_settings) as index:
        assert [each.row for each in index.rows("a")] == list(range(1, 2_501))
        assert sum(1 for _ in index.strays("a")) == 2_499
        assert sum(1 for _ in index.results("a")) == 4_000


def test_there_is_no_index_without_a_url_a_file_or_tables(index_settings: IndexSettings) -> None:
    assert open_index(Settings()) is None
    assert open_index(Settings(index=index_settings)) is None
    with pytest.raises(IndexMismatch, match="got none; start `seedcast run indexer`"):
        open_database(index_settings, read_only=False)


@pytest.mark.parametrize(
    ("revision", "remedy"), [("9999", "upgrade this one"), ("0000", "upgrade this one")]
)
def test_a_schema_of_another_version_is_refused(
    index_settings: IndexSettings, revision: str, remedy: str
) -> None:
    migrate(index_settings)
    with (
        connect(index_settings, read_only=False) as database,
        database.transaction("changing the revision") as connection,
    ):
        connection.exec_driver_sql(f"UPDATE index_version SET version_num = '{revision}'")  # noqa: S608
    for refused in (
        lambda: open_index(Settings(index=index_settings)),
        lambda: open_database(index_settings, read_only=False),
        lambda: migrate(index_settings),
    ):
        with pytest.raises(IndexMismatch, match=remedy):
            refused()


def test_a_reader_cannot_write(writer: IndexWriter, index_settings: IndexSettings) -> None:
    with (
        open_database(index_settings, read_only=True) as database,
        pytest.raises(Exception, match=r"read-?only"),
    ):
        IndexWriter.begin_term(database, "a reader", TOPIC)
    assert add(writer, result("a", 1)) == {"a"}
