"""Compare the objects that manifests name with the objects that the store has."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Literal

from seedcast.errors import MissingObject
from seedcast.storage.audit.collect import OnProgress, Progress
from seedcast.storage.audit.database import Database
from seedcast.storage.objects import ObjectStore

# hash: read and hash every object; size: compare sizes only; none: check no objects.
ObjectCheck = Literal["hash", "size", "none"]
Fault = Literal["missing", "wrong_size", "wrong_sha256"]

LISTING_BATCH = 1000  # objects per transaction
BATCH = 512  # objects per transaction
# Each page is a query of its own, so that no cursor is open while faults are written.
_PAGE = """
SELECT named.uri, named.bytes, named.sha256, listed_object.bytes
    FROM manifest_object AS named LEFT JOIN listed_object USING (uri)
    WHERE (named.uri, named.bytes, named.sha256) > (?, ?, ?)
    ORDER BY named.uri, named.bytes, named.sha256 LIMIT ?
"""


@dataclass(frozen=True)
class _NamedObject:
    """An object, as its manifest describes it."""

    uri: str
    bytes: int
    sha256: str
    listed: int | None  # bytes, as the store listed it; None: it was not listed


def list_objects(
    store: ObjectStore, campaign_id: str, database: Database, on_progress: OnProgress
) -> None:
    """Add the objects under the campaign's prefix to the database. Raises StoreUnavailable."""
    listing = ((info.uri, info.size) for info in store.list(f"{campaign_id}/"))
    done = 0
    while batch := list(islice(listing, LISTING_BATCH)):
        database.add_listed_objects(batch)
        done += len(batch)
        on_progress(Progress("listing", done))


def check_objects(
    store: ObjectStore,
    database: Database,
    *,
    hashes: bool,
    threads: int,
    on_progress: OnProgress,
) -> None:
    """Write the fault of each object that a manifest names. Raises StoreUnavailable."""
    total, done = database.count("SELECT * FROM manifest_object"), 0
    with ThreadPoolExecutor(threads, "audit") as pool:
        for page in _pages(database):
            faults = pool.map(partial(_check, store, hashes), page)
            database.add_faults(
                (*fault, named.uri, named.bytes, named.sha256)
                for named, fault in zip(page, faults, strict=True)
                if fault
            )
            done += len(page)
            on_progress(Progress("objects", done, total))


def _pages(database: Database) -> Iterator[list[_NamedObject]]:
    last: tuple[str, int, str] = ("", 0, "")
    while page := [_NamedObject(*row) for row in database.rows(_PAGE, *last, BATCH)]:
        yield page
        last = page[-1].uri, page[-1].bytes, page[-1].sha256


def _check(store: ObjectStore, hashes: bool, named: _NamedObject) -> tuple[Fault, str] | None:
    """Return the fault and what was got, or None if the object is as its manifest says."""
    size = named.listed
    if size is None:  # stored since the listing, or under another prefix or bucket
        info = store.stat(named.uri)
        size = info.size if info else None
    if size is None:
        return "missing", "no object"
    if size != named.bytes:
        return "wrong_size", f"{size:,} bytes"
    return _compare_content(store, named) if hashes else None


def _compare_content(store: ObjectStore, named: _NamedObject) -> tuple[Fault, str] | None:
    try:
        data = store.get(named.uri)
    except MissingObject:  # deleted since the listing
        return "missing", "no object"
    if len(data) != named.bytes:
        return "wrong_size", f"{len(data):,} bytes"
    digest = hashlib.sha256(data).hexdigest()
    return None if digest == named.sha256 else ("wrong_sha256", digest)
