"""What an audit reads of a staged list: its ids, which of them are fed, and what is damaged."""

from contextlib import closing

import pytest

from seedcast.schemas.messages import Cursor
from seedcast.storage.audit.database import Database
from seedcast.storage.audit.list_reading import ListRead, read_list
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.staged_lists import folder, part_name
from tests.builders.requests import a_request
from tests.builders.staged import STAGING, stage

PARTS = [[a_request(request_id=f"request-{part}-{n}") for n in range(2)] for part in range(3)]


def read(*damage: int, cursor: Cursor | None) -> tuple[ListRead, dict[str, bool]]:
    """Return what was read, and whether each id is fed. `damage`: numbers of damaged parts."""
    store = MemoryStore()
    campaign = stage(store, "night", *PARTS)
    for number in damage:
        key = folder("night", STAGING) + part_name(number)
        store.put(key, b"altered", "x/y") if number % 2 else store.delete(store.uri(key))
    with closing(Database()) as database:
        listed = read_list(store, campaign, cursor, database, lambda _: None)
        return listed, dict(database.rows("SELECT id, is_fed FROM list_row"))


def at(fed: int, *unfed: int, held: str | None = None) -> Cursor:
    return Cursor(
        campaign_id="night", staging=STAGING, fed=fed, unfed=unfed, generation=1, held=held
    )


def test_rows_are_fed_that_the_cursor_is_past_but_those_whose_partitions_were_full() -> None:
    listed, are_fed = read(cursor=at(5, 1, 2, held="why"))
    fed = [name for name, is_fed in are_fed.items() if is_fed]
    assert fed == ["request-0-0", "request-1-1", "request-2-0"]
    assert (len(are_fed), listed) == (6, ListRead(parts=3, held="why"))
    assert not any(read(cursor=None)[1].values())


@pytest.mark.parametrize("damaged", [0, 1])
def test_a_damaged_part_leaves_the_others_their_places(damaged: int) -> None:
    listed, are_fed = read(damaged, cursor=at(5))
    rest = [f"request-{part}-{n}" for part in range(3) for n in range(2) if part != damaged]
    assert [name for name, is_fed in are_fed.items() if is_fed] == rest[:-1]
    assert (list(are_fed), listed.parts, listed.is_whole) == (rest, 3, False)
    (said,) = listed.damaged
    assert f"{part_name(damaged)} (expected " in said
