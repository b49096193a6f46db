"""An index beside the topics: what each of them is believed."""

from dataclasses import replace
from datetime import UTC, datetime

from msgspec import structs

from seedcast.campaigns.cursor_topic import CursorTable
from seedcast.campaigns.progress import Progress
from seedcast.schemas.messages import Campaign, Cursor
from seedcast.storage.index.current import CampaignTopics
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.memory_store import MemoryStore
from tests.builders.requests import numbered
from tests.builders.staged import STAGING, stage

RECORD = stage(MemoryStore(), "night", [numbered(n) for n in range(1, 6)])
INDEXED = IndexedCampaign(
    campaign_id="night",
    campaign=RECORD,
    progress=Progress(accepted=5, succeeded=2),
    errors={},
    fed=2,
    held="it was",
    list_state="loaded",
)


def topics(record: Campaign, *cursors: Cursor) -> CampaignTopics:
    table = CursorTable()
    table.records = {cursor.campaign_id: cursor for cursor in cursors}
    return CampaignTopics({record.campaign_id: record}, table)


def test_records_and_cursors_are_the_topics_and_figures_the_indexs() -> None:
    cursor = Cursor(campaign_id="night", staging=STAGING, fed=4, unfed=(1,), generation=1)
    paused = structs.replace(RECORD, state="paused")
    found, missing = topics(paused, cursor).all_of([INDEXED])
    assert found == [replace(INDEXED, campaign=paused, fed=3, held=None)]
    assert not missing


def test_an_older_list_of_the_name_tells_nothing_of_the_newer() -> None:
    assert RECORD.staged
    newer = structs.replace(RECORD, staged=structs.replace(RECORD.staged, staging="0" * 16))
    (found,), missing = topics(newer).all_of([INDEXED])
    assert (found.progress, found.list_state, missing) == (
        Progress(accepted=5),
        "pending",
        ["night"],
    )
    assert topics(newer).one_of("night", INDEXED) == found


def test_results_of_events_count_before_their_record_is_indexed() -> None:
    record = Campaign(campaign_id="orders", state="open", created_at=datetime.now(UTC))
    named = replace(
        INDEXED, campaign_id="orders", campaign=None, progress=Progress(accepted=None, failed=1)
    )
    (found,), missing = topics(record).all_of([named])
    assert (found.campaign, found.progress.failed, missing) == (record, 1, [])
    assert topics(record).one_of("other", None) is None
