"""Campaigns in the order of their last changes, in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import pytest

from seedcast.schemas.messages import Campaign, Cursor
from seedcast.settings import IndexSettings
from seedcast.storage.index import changes
from seedcast.storage.index.changes import Change
from seedcast.storage.index.database import open_database
from seedcast.storage.index.rebuild import clear
from seedcast.storage.index.writer import IndexWriter
from tests.builders.indexed import STAGING, add, listed, reading, result, rows, writing

pytestmark = pytest.mark.integration


@pytest.fixture
def writer(index_settings: IndexSettings) -> Iterator[IndexWriter]:
    with writing(index_settings) as begun:
        yield begun


@dataclass
class Asking:
    """Somebody who asks again and again for what is new."""

    settings: IndexSettings
    after: int = 0

    def new(self) -> list[str]:
        with reading(self.settings) as index:
            found = index.changes(self.after, limit=100)
        assert [each.number for each in found] == sorted({each.number for each in found})
        self.after = found[-1].number if found else self.after
        return [each.campaign.campaign_id for each in found]


def of_tenant(name: str, tenant: str, **changed: object) -> Campaign:
    return msgspec.structs.replace(listed(name, 2), tenant=tenant, **changed)


def test_each_change_that_a_client_can_see_is_new_once(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    asking = Asking(index_settings)
    night = listed("night", 2)
    writer.put_campaigns([night, listed("day", 2)])
    assert asking.new() == ["night", "day"]
    writer.load_list("night", rows(2))
    assert asking.new() == ["night"]
    writer.put_cursors([Cursor(campaign_id="night", staging=STAGING, fed=2, generation=1)])
    assert asking.new() == ["night"]
    add(writer, result("day", 1), result("night", 1), result("night", 2, "failed"))
    assert sorted(asking.new()) == ["day", "night"]
    add(writer, result("night", 1))
    assert asking.new() == [], "a repeat changes nothing"
    writer.put_campaigns([night, msgspec.structs.replace(night, state="paused")])
    assert asking.new() == ["night"]


def test_a_reader_asks_for_a_tenant_a_campaign_or_what_has_not_ended(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    ended = of_tenant("a-ended", "a", state="completed")
    writer.put_campaigns([of_tenant("a-1", "a"), of_tenant("b-1", "b"), ended])
    add(writer, result("nobodys", 1))
    with reading(index_settings) as index:
        assert names(index.changes(0, limit=9)) == ["a-1", "b-1", "a-ended"]
        assert names(index.changes(0, limit=9, tenant="a")) == ["a-1", "a-ended"]
        assert names(index.changes(0, limit=9, tenant="a", live=True)) == ["a-1"]
        assert names(index.changes(0, limit=9, tenant="a", campaign_id="b-1")) == []
        [first] = index.changes(0, limit=1)
        assert names(index.changes(first.number, limit=1)) == ["b-1"]


def names(found: list[Change]) -> list[str]:
    return [each.campaign.campaign_id for each in found]


def test_an_index_that_is_made_anew_has_higher_numbers(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    asking = Asking(index_settings)
    writer.put_campaigns([listed("night", 2)])
    assert asking.new() == ["night"]
    clear(index_settings)
    with writing(index_settings) as anew:
        anew.put_campaigns([listed("night", 2)])
    assert asking.new() == ["night"]


def test_numbers_grow_though_the_clock_goes_back(
    writer: IndexWriter, index_settings: IndexSettings
) -> None:
    asking = Asking(index_settings)
    writer.put_campaigns([listed("night", 2)])
    assert asking.new() == ["night"]
    with open_database(index_settings, read_only=False) as database:
        late = asking.after + timedelta(hours=1) // timedelta(milliseconds=1)
        with database.transaction("a clock that was ahead") as connection:
            night = changes.CAMPAIGNS.c.campaign_id == "night"
            connection.execute(changes.CAMPAIGNS.update().where(night).values(changed=late))
    assert asking.new() == ["night"]
    add(writer, result("night", 1))
    assert asking.new() == ["night"]
    assert asking.after == late + 1
