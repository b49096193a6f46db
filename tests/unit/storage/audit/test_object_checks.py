"""Objects are compared with their manifests, here in a store in memory."""

import hashlib

import pytest

from seedcast.errors import StoreUnavailable
from seedcast.storage.audit.collect import Progress
from seedcast.storage.audit.database import Database
from seedcast.storage.audit.object_checks import check_objects, list_objects
from seedcast.storage.memory_store import MemoryStore
from tests.unit.storage.audit.evidence import CAMPAIGN, spoken

GOOD = b"abc"
SHA = hashlib.sha256(GOOD).hexdigest()


def faults(
    store: MemoryStore, numbers: range, *, hashes: bool = True, listing: bool = True
) -> dict[str, str]:
    """Each object's fault, by the number in its URI."""
    database = Database()
    steps: list[Progress] = []
    database.add_results([spoken(number, sha256=SHA) for number in numbers])
    if listing:
        list_objects(store, CAMPAIGN, database, steps.append)
    check_objects(store, database, hashes=hashes, threads=4, on_progress=steps.append)
    assert (steps[-1].done, steps[-1].total) == (len(numbers), len(numbers))
    return {
        uri.rsplit("/", 1)[1].split("-")[0]: fault
        for uri, fault in database.rows(
            "SELECT uri, fault FROM manifest_object WHERE fault IS NOT NULL"
        )
    }


def stored(count: int) -> MemoryStore:
    store = MemoryStore()
    for number in range(count):
        store.put(f"{CAMPAIGN}/{number}-{SHA[:4]}", GOOD, "audio/ogg")
    return store


def test_objects_as_their_manifests_say_have_no_fault() -> None:
    assert faults(stored(3), range(3)) == {}


# Without a listing: as if the objects were stored after it, or under another prefix.
@pytest.mark.parametrize("listing", [True, False])
def test_each_fault_has_its_name(listing: bool) -> None:
    store = stored(4)
    store.delete(store.uri(f"{CAMPAIGN}/0-{SHA[:4]}"))
    store.put(f"{CAMPAIGN}/1-{SHA[:4]}", b"abcd", "audio/ogg")
    store.put(f"{CAMPAIGN}/2-{SHA[:4]}", b"abd", "audio/ogg")
    assert faults(store, range(4), listing=listing) == {
        "0": "missing",
        "1": "wrong_size",
        "2": "wrong_sha256",
    }
    assert faults(store, range(4), listing=listing, hashes=False) == {
        "0": "missing",
        "1": "wrong_size",
    }


def test_more_objects_than_a_page_are_all_checked() -> None:
    store = stored(1100)
    store.delete(store.uri(f"{CAMPAIGN}/777-{SHA[:4]}"))
    assert faults(store, range(1100)) == {"777": "missing"}


def test_an_unavailable_store_proves_nothing() -> None:
    store = stored(2)
    store.fail(StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        faults(store, range(2))
