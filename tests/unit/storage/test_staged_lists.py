"""A staged list is read from any row on, and a damaged part is named instead of used."""

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.errors import InvalidInput, ListDamaged, StoreUnavailable
from seedcast.producers.staging import part_writer
from seedcast.schemas.messages import Campaign
from seedcast.storage.campaign_rows import as_row
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.staged_lists import deployment, folder, part_name, read_ids, read_rows
from tests.builders.requests import a_request, numbered
from tests.unit.producers.test_part_writer import STAGING, stage

ROWS = [as_row(numbered(number)) for number in range(100)]


@pytest.fixture(scope="module")
def list_of_parts() -> Iterator[tuple[MemoryStore, Campaign]]:
    """A list of 40, 40 and 20 rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_writer, "BATCH", 20)
        patch.setattr(part_writer, "PART", 40)
        store = MemoryStore()
        yield store, stage(store, ROWS)


@given(start=st.integers(0, 110))
def test_a_list_is_read_from_any_row_on(
    list_of_parts: tuple[MemoryStore, Campaign], start: int
) -> None:
    assert list(read_rows(*list_of_parts, start)) == ROWS[start:]


def uri_of(store: MemoryStore, number: int) -> str:
    return store.uri(folder("night", STAGING) + part_name(number))


@pytest.mark.parametrize("start", [40, 79, 80])
def test_parts_before_the_first_row_are_not_read(
    list_of_parts: tuple[MemoryStore, Campaign], start: int
) -> None:
    store, campaign = list_of_parts
    kept = store.get(uri_of(store, 0))
    store.delete(uri_of(store, 0))
    try:
        assert list(read_rows(store, campaign, start)) == ROWS[start:]
    finally:
        store.put(folder("night", STAGING) + part_name(0), kept, "")


def altered(data: bytes) -> Iterable[bytes]:
    yield b""
    yield data[:-1]
    yield data + b"\0"
    yield data[:9] + bytes([data[9] ^ 1]) + data[10:]


@pytest.mark.parametrize("read", [read_rows, read_ids])
def test_an_altered_part_is_named_and_none_of_its_rows_is_used(read: object) -> None:
    store = MemoryStore()
    campaign = stage(store, ROWS)
    uri, key = uri_of(store, 0), folder("night", STAGING) + part_name(0)
    data = store.get(uri)
    assert campaign.staged
    for other in altered(data):
        store.put(key, other, "")
        with pytest.raises(ListDamaged) as caught:
            next(read(store, campaign))  # type: ignore[operator]
        error = caught.value
        assert error.what == f"campaign night: {uri}"
        assert campaign.staged.parts[0].sha256 in error.expected
        assert f"{len(data):,} bytes" in error.expected
        assert error.got.startswith(f"{len(other):,} bytes with ")
        assert "restore the object" in error.remedy
    store.put(key, data, "")
    assert list(read_rows(store, campaign)) == ROWS


def test_a_missing_part_is_named_when_its_rows_are_reached(
    list_of_parts: tuple[MemoryStore, Campaign],
) -> None:
    store, campaign = list_of_parts
    kept = store.get(uri_of(store, 1))
    store.delete(uri_of(store, 1))
    try:
        rows = read_rows(store, campaign)
        assert [next(rows) for _ in range(40)] == ROWS[:40]
        with pytest.raises(ListDamaged, match=r"part-00001\.parquet; expected .*; got no object"):
            next(rows)
    finally:
        store.put(folder("night", STAGING) + part_name(1), kept, "")


def test_a_store_that_is_away_is_not_taken_for_a_damaged_list(
    list_of_parts: tuple[MemoryStore, Campaign],
) -> None:
    store, campaign = list_of_parts
    store.fail(StoreUnavailable("reading it"))
    with pytest.raises(StoreUnavailable):
        next(read_rows(store, campaign))


def test_a_campaign_of_events_has_no_list() -> None:
    campaign = Campaign(campaign_id="night", state="open", created_at=a_request().submitted_at)
    with pytest.raises(InvalidInput, match="campaign night; expected one whose list was staged"):
        next(read_rows(MemoryStore(), campaign))


def test_deployments_that_share_a_bucket_have_marks_of_their_own() -> None:
    assert len({deployment(cluster, prefix) for cluster in "ab" for prefix in "cd"}) == 4


@pytest.mark.parametrize(
    ("metadata", "row"),
    [
        ({"row": "7"}, 7),
        ({}, 0),
        ({"row": "seven"}, 0),
        ({"row": "٣"}, 0),
        ({"row": "9" * 30}, 0),
    ],
)
def test_a_request_of_others_is_a_row_without_a_number_if_it_has_none(
    metadata: dict[str, str], row: int
) -> None:
    request = a_request(metadata=metadata)
    found = as_row(request, b"{}")
    assert (found.row, found.request, found.source) == (row, request, b"{}")
    assert stage(MemoryStore(), [found]).staged
