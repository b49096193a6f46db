"""The objects that manifests name, against what the store has."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Literal

from seedcast.errors import MissingObject
from storage.audit.collect import OnProgress, Progress
from storage.audit.database import Database
from storage.objects import ObjectStore

Objects = Literal[
    "hash", "size", "none"
]  # every object read and hashed; sizes alone; not looked at
Fault = Literal["missing", "wrong_size", "wrong_sha256"]

BATCH = 512  # objects between two notes
# A page begins after the last one's end, so no cursor is open while faults are noted.
_PAGE = """
SELECT o.uri, o.bytes, o.sha256, listed.bytes FROM object AS o LEFT JOIN listed USING (uri)
    WHERE (o.uri, o.bytes, o.sha256) > (?, ?, ?) ORDER BY o.uri, o.bytes, o.sha256 LIMIT ?
"""


@dataclass(frozen=True)
class _Named:
    """An object by its manifest."""

    uri: str
    bytes: int
    sha256: str
    listed: int | None  # bytes, by the listing


def list_objects(
    store: ObjectStore, campaign_id: str, state: Database, on_progress: OnProgress
) -> None:
    """Notes what lies under the campaign's prefix. Raises StoreUnavailable."""
    found, done = ((info.uri, info.size) for info in store.list(f"{campaign_id}/")), 0
    while batch := list(islice(found, 1000)):
        state.add_listed(batch)
        done += len(batch)
        on_progress(Progress("listing", done))


def check_objects(
    store: ObjectStore, state: Database, *, hashes: bool, threads: int, on_progress: OnProgress
) -> None:
    """Notes the fault of each object that a manifest names. Raises StoreUnavailable."""
    total, done = state.count("SELECT * FROM object"), 0
    with ThreadPoolExecutor(threads, "audit") as pool:
        for page in _pages(state):
            verdicts = pool.map(partial(_judge, store, hashes), page)
            state.judge_objects(
                (*verdict, named.uri, named.bytes, named.sha256)
                for named, verdict in zip(page, verdicts, strict=True)
                if verdict
            )
            done += len(page)
            on_progress(Progress("objects", done, total))


def _pages(state: Database) -> Iterator[list[_Named]]:
    last: tuple[str, int, str] = ("", 0, "")
    while page := [_Named(*row) for row in state.rows(_PAGE, *last, BATCH)]:
        yield page
        last = page[-1].uri, page[-1].bytes, page[-1].sha256


def _judge(store: ObjectStore, hashes: bool, named: _Named) -> tuple[Fault, str] | None:
    """None where it is as its manifest says."""
    size = named.listed
    if size is None:  # stored since the listing, or under another prefix or bucket
        info = store.stat(named.uri)
        size = info.size if info else None
    if size is None:
        return "missing", "no object"
    if size != named.bytes:
        return "wrong_size", f"{size:,} bytes"
    return _compare(store, named) if hashes else None


def _compare(store: ObjectStore, named: _Named) -> tuple[Fault, str] | None:
    try:
        data = store.get(named.uri)
    except MissingObject:  # deleted since the listing
        return "missing", "no object"
    if len(data) != named.bytes:
        return "wrong_size", f"{len(data):,} bytes"
    digest = hashlib.sha256(data).hexdigest()
    return None if digest == named.sha256 else ("wrong_sha256", digest)
