"""What a reader of the topic `cursors` takes for true, whatever order the records come in."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from seedcast.campaigns.cursor_topic import TERM_KEY, CursorTable
from seedcast.codec import encode_json
from seedcast.errors import Undecodable
from seedcast.producers.feeder.lists import are_fed
from seedcast.schemas.messages import Campaign, CampaignState, Cursor, FeederTerm
from seedcast.storage.memory_store import MemoryStore
from tests.builders.requests import a_request
from tests.builders.staged import STAGING, stage

CURSOR = Cursor(campaign_id="night", staging=STAGING, fed=10, generation=2)
NOW = 1_800_000_000.0  # seconds since 1970
CAMPAIGN = stage(MemoryStore(), "night", [a_request()])


def table_of(*records: Cursor | FeederTerm) -> CursorTable:
    table = CursorTable()
    for record in records:
        key = record.campaign_id.encode() if isinstance(record, Cursor) else TERM_KEY
        table.apply(key, encode_json(record))
    return table


def test_the_higher_generation_holds_whichever_comes_first() -> None:
    old = replace(CURSOR, generation=1, fed=99)
    for records in ([old, CURSOR], [CURSOR, old]):
        assert table_of(*records).fed(CAMPAIGN) == 10


def test_of_one_generation_the_later_record_holds() -> None:
    assert table_of(CURSOR, replace(CURSOR, fed=7)).fed(CAMPAIGN) == 7


def test_a_cursor_is_outdated_until_the_right_one_is_the_latest_again() -> None:
    old = replace(CURSOR, generation=1)
    assert table_of(CURSOR, old).outdated == {"night"}
    assert table_of(CURSOR, old, CURSOR).outdated == set()


def test_two_claims_of_one_generation_are_one_feeders() -> None:
    first, second = (FeederTerm(generation=3, feeder=name) for name in ("first", "second"))
    assert table_of(first, second).term == first
    assert table_of(first, second, replace(second, generation=4)).term != first
    late = replace(first, generation=2)
    assert table_of(first, late).term == first


def test_a_cursor_of_another_staging_is_none_of_this_list() -> None:
    table = table_of(replace(CURSOR, staging="f" * 16))
    assert (table.of(CAMPAIGN), table.fed(CAMPAIGN)) == (None, 0)


def test_a_campaign_of_events_has_no_cursor() -> None:
    events = Campaign(
        campaign_id="night", state="open", created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert table_of(CURSOR).of(events) is None


@pytest.mark.parametrize(
    ("state", "cursor", "is_fed"),
    [
        ("sealed", replace(CURSOR, fed=1), True),
        ("cancelled", replace(CURSOR, fed=0), False),
        ("paused", replace(CURSOR, fed=0), True),
        ("sealed", replace(CURSOR, fed=0, held="a part is missing"), True),
        ("sealed", replace(CURSOR, fed=1, staging="f" * 16), False),
    ],
)
def test_what_is_fed_is_read_from_the_cursors(
    state: CampaignState, cursor: Cursor, is_fed: bool
) -> None:
    campaigns = {"night": replace(CAMPAIGN, state=state)}
    assert are_fed(campaigns, table_of(cursor), NOW) == is_fed
    assert are_fed(campaigns, CursorTable(), NOW) == (state == "paused")


def test_a_removed_cursor_is_forgotten() -> None:
    table = table_of(CURSOR, replace(CURSOR, generation=1))
    table.apply(b"night", None)
    assert (table.records, table.outdated) == ({}, set())


def test_what_cannot_be_read_changes_nothing() -> None:
    table = table_of(CURSOR)
    with pytest.raises(Undecodable):
        table.apply(b"night", b"{}")
    assert table.fed(CAMPAIGN) == 10
