"""Readers of an index that lacks campaigns, states or a list say so, and tell what there is."""

from pathlib import Path

import pytest

from seedcast.campaigns.campaign_state import paused
from seedcast.campaigns.campaign_topic import change_campaign, read_campaigns
from seedcast.codec import encode_json
from seedcast.errors import InvalidInput
from seedcast.schemas.topics import REQUESTS
from seedcast.settings import Settings
from seedcast.storage.index.lookup import campaign_index
from seedcast.storage.s3 import S3Store
from seedcast.storage.staged_lists import folder, part_name
from seedcast.storage.where.find import where
from tests.builders.deployments import rows, run
from tests.builders.indexed_topics import with_index
from tests.builders.indexing import end, stage_list
from tests.builders.topics import send

pytestmark = pytest.mark.integration


@pytest.fixture
def behind(settings: Settings, tmp_path: Path) -> Settings:
    """Settings of an index whose indexer went away before `later` came, and `night` was paused."""
    end(settings, stage_list(settings, "night", 4)[:2])
    indexed = with_index(settings, tmp_path)
    stage_list(settings, "later", 3)
    change_campaign(settings, "night", paused)
    return indexed


def test_campaigns_that_the_index_lacks_are_listed_with_their_states(behind: Settings) -> None:
    done = run(behind, "campaigns", "--json")
    listed = {row["campaign_id"]: row for row in rows(done)}
    assert {name: row["state"] for name, row in listed.items()} == {
        "night": "paused",
        "later": "sealed",
    }
    assert (listed["night"]["succeeded"], listed["later"]["accepted"]) == (1, 3)
    assert "the index does not have later yet" in done.stderr


def test_a_campaign_is_asked_for_as_it_is_now_not_as_the_index_has_it(behind: Settings) -> None:
    notes: list[str] = []
    with campaign_index(behind, "night", notes.append) as (_, found):
        assert found.campaign
        assert (found.campaign.state, found.progress.succeeded) == ("paused", 1)
    assert not notes
    with campaign_index(behind, "later", notes.append) as (index, found):
        assert (found.list_state, len(list(index.rows("later")))) == ("loaded", 3)
    assert notes == [
        "the index does not have all of campaign later yet; the topics are read instead"
    ]
    with pytest.raises(InvalidInput, match="night"), campaign_index(behind, "nigth", notes.append):
        pass
    assert len(notes) == 1  # the results were not read for a name that nobody knows


@pytest.mark.parametrize("source", ["index", "topics"])
def test_of_a_list_that_cannot_be_read_come_the_rows_with_a_result(
    settings: Settings, tmp_path: Path, source: str
) -> None:
    requests = stage_list(settings, "held", 4)
    end(settings, requests[:2])
    send(settings, REQUESTS, [(b"7", encode_json(requests[2]))])
    staged, store = read_campaigns(settings)["held"].staged, S3Store(settings.s3)
    assert staged
    store.delete(store.uri(folder("held", staged.staging) + part_name(0)))
    asked = with_index(settings, tmp_path) if source == "index" else settings
    notes: list[str] = []
    with campaign_index(asked, "held", notes.append) as (index, found):
        assert [each.own_id for each in index.rows("held")] == ["held-1", "held-2"]
        assert [each.status for each in index.find("held", "held-2")] == ["failed"]
        states = [
            where(asked, store, index, found, f"held-{number}")[0].state for number in (1, 2, 3)
        ]
    assert states == ["delivered", "failed", "in_work"]
    assert [note for note in notes if "only rows with a result are known" in note]
    assert not [note for note in notes if "does not have" in note]
