"""Over random histories the index equals a naive count of the same events."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from seedcast.schemas.messages import Campaign, CampaignState, Status
from seedcast.settings import IndexSettings
from seedcast.storage.index.database import connect
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.reader import Index
from seedcast.storage.index.tables import METADATA, REQUESTS, TERM
from seedcast.storage.index.upkeep import count_requests
from seedcast.storage.index.writer import IndexWriter, StoredResult
from tests.builders.indexed import CREATED, TOPIC, add, listed, request_id, result, rows
from tests.builders.postgres_server import PostgresServer

# A campaign's record at a moment: its list's first row and length (0: none), and its state.
Record = tuple[int, int, CampaignState]

NAMES = ("a", "b", None)
_results = st.tuples(
    st.just("results"),
    st.integers(0, 1),  # partition
    st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.integers(0, 7),
            st.sampled_from(["succeeded", "failed", "expired", "cancelled"]),
        ),
        max_size=6,
    ),
)
_records = st.tuples(
    st.just("record"),
    st.sampled_from(["a", "b"]),
    st.tuples(
        st.integers(0, 3), st.integers(0, 5), st.sampled_from(["sealed", "paused", "cancelled"])
    ),
)
_removals = st.tuples(st.just("removal"), st.sampled_from(["a", "b"]), st.none())
_loads = st.tuples(st.just("load"), st.sampled_from(["a", "b"]), st.none())
_terms = st.tuples(st.just("term"), st.none(), st.none())
HISTORIES = st.lists(
    st.one_of(_results, _results, _records, _removals, _loads, _terms), max_size=12
)


class Naive:
    """What the index should say: first results, records, and which lists are loaded."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, int], tuple[Status, int]] = {}
        self.records: dict[str, Record] = {}
        self.loaded: set[str] = set()
        self.staging: dict[str, str | None] = {}  # which a removed one keeps with its results
        self.aside = 0  # results of lists whose name was used again

    def put(self, name: str, what: Record) -> None:
        staged = record(name, what).staged
        staging, before = staged.staging if staged else None, self.staging.get(name)
        is_new = name not in self.records or staging != before
        if None not in (staging, before) and staging != before:
            older = [key for key in self.results if key[0] == name]
            self.aside += len(older)
            for key in older:
                del self.results[key]
        if is_new:
            self.loaded.discard(name)
        self.records[name], self.staging[name] = what, staging

    def remove(self, name: str) -> None:
        if self.records.pop(name, None) and any(of == name for of, _ in self.results):
            self.staging[name] = self.staging[name] or ""
        elif not any(of == name for of, _ in self.results):
            self.staging.pop(name, None)
        self.loaded.discard(name)

    def listed(self, name: str) -> range:
        first, length, _ = self.records.get(name, (0, 0, "open"))
        return range(first, first + length)

    def counted(self, name: str) -> dict[int, Status]:
        mine = {key: status for (of, key), (status, _) in self.results.items() if of == name}
        if name not in self.loaded:
            return mine
        return {key: status for key, status in mine.items() if key in self.listed(name)}

    def strays(self, name: str) -> set[int]:
        mine = {key for of, key in self.results if of == name}
        return mine - self.counted(name).keys()

    def names(self) -> set[str]:
        return self.records.keys() | {of for of, _ in self.results}


def apply(event: tuple[str, Any, Any], naive: Naive, writer: IndexWriter) -> None:
    kind, which, what = event
    if kind == "results":
        at = writer.positions[which] * 2 + which + 1
        stored = [
            _stored(name, number, status, at + index)
            for index, (name, number, status) in enumerate(what)
        ]
        add(writer, *stored, partition=which)
        for (name, number, status), each in zip(what, stored, strict=True):
            naive.results.setdefault((name or "", number), (status, each.timestamp_ms))
    elif kind == "record":
        naive.put(which, what)
        writer.put_campaigns([record(which, what)])
    elif kind == "removal":
        naive.remove(which)
        writer.remove_campaigns([which])
    elif which in writer.pending_lists():
        load(naive, writer, which)


def load(naive: Naive, writer: IndexWriter, name: str) -> None:
    first, length, _ = naive.records[name]
    writer.load_list(name, rows(length, first))
    naive.loaded.add(name)


def _stored(name: str | None, number: int, status: Status, at: int) -> StoredResult:
    code = status if status in ("expired", "cancelled") else "unstable"
    own_id = f"n-{number}"  # as in its list
    return result(name, number, status, code, at=at, own_id=own_id, duration=number / 8)  # type: ignore[arg-type]


def record(name: str, what: Record) -> Campaign:
    first, length, state = what
    if not length:
        return Campaign(campaign_id=name, state=state, created_at=CREATED)
    return listed(name, length, state, staging=f"{first:08}{length:08}")


def compare(naive: Naive, writer: IndexWriter, emptied: "Emptied") -> None:
    index = emptied.index
    every = {each.campaign_id: each for each in index.campaigns()}
    older = [each for name, each in every.items() if "~" in name]
    assert sum(each.progress.finished for each in older) == naive.aside
    campaigns = {name: each for name, each in every.items() if "~" not in name}
    assert campaigns.keys() == naive.names()
    for name, campaign in campaigns.items():
        assert index.campaign(name) == campaign
        _compare_figures(naive, name, campaign)
        _compare_requests(naive, name, index)
    with emptied.database.transaction("counting") as connection:
        every_request = select(func.count()).select_from(REQUESTS)
        assert count_requests(connection) == connection.scalar(every_request)
    assert set(writer.complete()) == {name for name in naive.names() if _is_complete(naive, name)}


def _compare_figures(naive: Naive, name: str, campaign: IndexedCampaign) -> None:
    counted, progress = naive.counted(name), campaign.progress
    statuses = Counter(counted.values())
    assert statuses == Counter(
        {
            status: number
            for status in ("succeeded", "failed", "expired", "cancelled")
            if (number := getattr(progress, status))
        }
    )
    codes = {"failed": "unstable", "expired": "expired", "cancelled": "cancelled"}
    errors = Counter(codes[status] for status in counted.values() if status != "succeeded")
    assert campaign.errors == errors
    assert progress.strays == len(naive.strays(name))
    assert progress.stray_ids == tuple(sorted(map(request_id, naive.strays(name))))
    audio = sum(key / 8 for key, status in counted.items() if status == "succeeded")
    assert progress.audio_seconds == audio


def _compare_requests(naive: Naive, name: str, index: Index) -> None:
    mine = {key: status for (of, key), (status, _) in naive.results.items() if of == name}
    order = list(naive.listed(name)) if name in naive.loaded else []
    order += sorted(mine.keys() - set(order))
    found = [(each.request_id, each.status) for each in _walk(index, name)]
    assert found == [(request_id(key), mine.get(key)) for key in order]
    failed = [each.request_id for each in _walk(index, name, status="failed")]
    assert failed == [request_id(key) for key in order if mine.get(key) == "failed"]
    assert len(list(index.results(name))) == len(mine)


def _walk(index: Index, name: str, **chosen: Any) -> Iterator[Any]:
    after: str | None = None
    while True:
        page = index.requests(name, after=after, limit=3, **chosen)
        yield from page.requests
        if (after := page.after) is None:
            return


def _is_complete(naive: Naive, name: str) -> bool:
    is_over = name in naive.loaded and naive.records[name][2] in ("sealed", "cancelled")
    return is_over and naive.counted(name).keys() == set(naive.listed(name))


class Emptied:
    """One database for all examples: its tables are emptied before each."""

    def __init__(self, settings: IndexSettings, stack: ExitStack) -> None:
        migrate(settings)
        self.database = stack.enter_context(connect(settings, read_only=False))
        self.index = Index(stack.enter_context(connect(settings, read_only=True)))

    def writer(self) -> IndexWriter:
        with self.database.transaction("emptying the tables") as connection:
            for table in reversed(METADATA.sorted_tables):
                if table is not TERM:
                    connection.execute(table.delete())
        return IndexWriter.begin_term(self.database, "indexer", TOPIC)


@contextmanager
def sqlite() -> Iterator[Emptied]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        yield Emptied(IndexSettings(url=f"sqlite:///{folder}/index.sqlite"), stack)


def check(history: list[tuple[str, Any, Any]], emptied: Emptied) -> None:
    naive, writer = Naive(), emptied.writer()
    for event in history:
        if event[0] == "term":
            writer = IndexWriter.begin_term(emptied.database, "the next", TOPIC)
        else:
            apply(event, naive, writer)
    compare(naive, writer, emptied)
    if naive.aside:  # the topics do not tell which list they were of
        return
    said = _said(naive, writer, emptied.index)
    rebuilt = _rebuild(naive, emptied)
    assert _said(naive, rebuilt, emptied.index) == said
    compare(naive, rebuilt, emptied)


def _said(naive: Naive, writer: IndexWriter, index: Index) -> Any:
    """Return all that the index says, once every list is loaded."""
    for name in writer.pending_lists():
        load(naive, writer, name)
    campaigns = index.campaigns()
    return campaigns, [list(_walk(index, each.campaign_id)) for each in campaigns]


def _rebuild(naive: Naive, emptied: Emptied) -> IndexWriter:
    """From the topics, in another order: records first, the results partition by partition."""
    writer = emptied.writer()
    writer.put_campaigns([record(name, what) for name, what in naive.records.items()])
    for name in list(writer.pending_lists())[:1]:
        load(naive, writer, name)
    stored = [
        _stored(name or None, number, status, at)
        for (name, number), (status, at) in naive.results.items()
    ]
    add(writer, *reversed(stored))
    return writer


@pytest.mark.parametrize("examples", [25, pytest.param(1_000, marks=pytest.mark.slow)])
def test_sqlite_equals_a_naive_count(examples: int) -> None:
    with sqlite() as emptied:
        _examples(examples)(lambda history: check(history, emptied))


@pytest.mark.parametrize("examples", [15, pytest.param(200, marks=pytest.mark.slow)])
def test_postgresql_equals_a_naive_count(postgres: PostgresServer, examples: int) -> None:
    with ExitStack() as stack:
        emptied = Emptied(postgres.new_database(), stack)
        _examples(examples)(lambda history: check(history, emptied))


def _examples(number: int) -> Callable[[Callable[[list[Any]], None]], None]:
    def run(body: Callable[[list[Any]], None]) -> None:
        @settings(max_examples=number, suppress_health_check=list(HealthCheck))
        @given(HISTORIES)
        def each(history: list[Any]) -> None:
            body(history)

        each()

    return run
