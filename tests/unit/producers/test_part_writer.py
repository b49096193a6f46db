"""Staging: what is written is read back, outages are waited out, and memory holds one part."""

import hashlib
import io
import tracemalloc
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast import retry
from seedcast.catalog import profiles
from seedcast.errors import InvalidRow, MissingObject, Retryable, StoreUnavailable
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.content import encode
from seedcast.producers.staging import part_writer
from seedcast.producers.staging.options import SubmitOptions
from seedcast.producers.staging.part_writer import PartWriter
from seedcast.schemas.messages import Campaign, ListPart, StagedList
from seedcast.settings import PostprocessSettings
from seedcast.storage.campaign_rows import as_row
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.staged_lists import BEGUN, REJECTED, StagedRow, folder, read_ids, read_rows
from tests.builders.fuzz import values
from tests.builders.requests import a_request, numbered

STAGING = "0123456789abcdef"
FOLDER = folder("night", STAGING)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROFILES = profiles.load(PostprocessSettings())
Outages = list[Retryable | None]


def writer_to(store: MemoryStore, outages: Outages | None = None) -> PartWriter:
    told: Outages = [] if outages is None else outages
    return PartWriter(store, "night", STAGING, told.append)


def staged(parts: tuple[ListPart, ...]) -> Campaign:
    listed = StagedList(staging=STAGING, parts=parts, digest="0" * 64, ids_digest="0" * 64)
    return Campaign(campaign_id="night", state="sealed", created_at=NOW, staged=listed)


def stage(store: MemoryStore, rows: list[StagedRow]) -> Campaign:
    writer = writer_to(store)
    for row in rows:
        writer.add(row)
    return staged(writer.finish(None))


def keys(store: MemoryStore) -> list[str]:
    return [info.key.removeprefix(FOLDER) for info in store.list()]


texts = st.text(min_size=1, max_size=60)
table = st.dictionaries(
    st.sampled_from(["voice", "speed", "locale", "priority", "metadata.x", "Straße", "deadline"]),
    values | st.sampled_from(["2h", "urgent", "en_gb", "1.5", "7"]),
    max_size=5,
)


@given(st.lists(st.tuples(texts, table, st.none() | st.binary(max_size=40)), max_size=8))
def test_every_request_that_is_built_is_read_back_as_it_was(
    rows: list[tuple[str, dict[str, object], bytes | None]],
) -> None:
    builder = Builder(SubmitOptions(campaign="night", voice=1), NOW, PROFILES)
    expected, written = [], []
    for number, (text, columns, source) in enumerate(rows, start=1):
        try:
            request = builder.build(number, {**columns, "text": text}, NOW)
            value = encode(number, request)
        except InvalidRow:
            continue
        expected.append(request)
        seed = request.voice_seed
        written.append(StagedRow(number, request.request_id, seed, request.priority, value, source))
    store = MemoryStore()
    campaign = stage(store, written)
    found = list(read_rows(store, campaign))
    assert found == written
    assert [row.request for row in found] == expected
    assert list(read_ids(store, campaign)) == [(row.row, row.request_id) for row in written]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_writer, "BATCH", 20)
    monkeypatch.setattr(part_writer, "PART", 40)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (1, [1]), (40, [40]), (41, [40, 1]), (100, [40, 40, 20])]
)
def test_a_list_is_written_in_parts_and_each_says_what_it_is(count: int, sizes: list[int]) -> None:
    store = MemoryStore()
    rows = [as_row(numbered(number)) for number in range(count)]
    campaign = stage(store, rows)
    assert campaign.staged
    names = [f"part-{number:05}.parquet" for number in range(len(sizes))]
    assert keys(store) == names
    assert [part.rows for part in campaign.staged.parts] == sizes
    for name, part in zip(names, campaign.staged.parts, strict=True):
        data = store.get(store.uri(FOLDER + name))
        assert (part.bytes, part.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert list(read_rows(store, campaign)) == rows


def test_long_texts_make_smaller_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_writer, "PART_BYTES", 10_000)
    monkeypatch.setattr(part_writer, "BATCH_BYTES", 3000)
    store = MemoryStore()
    # The row's own columns count, too.
    rows = [as_row(numbered(number), b"x" * 4000) for number in range(7)]
    campaign = stage(store, rows)
    assert campaign.staged
    assert [part.rows for part in campaign.staged.parts] == [3, 3, 1]
    assert list(read_rows(store, campaign)) == rows


def test_rejected_rows_lie_beside_the_parts() -> None:
    store = MemoryStore()
    writer = writer_to(store)
    writer.add(as_row(a_request()))
    lines = io.BytesIO(b'{"row": 1}\n')
    lines.seek(0, io.SEEK_END)
    store_fails_once(store)
    writer.finish(lines)
    assert keys(store) == [REJECTED, "part-00000.parquet"]
    assert store.get(store.uri(FOLDER + REJECTED)) == b'{"row": 1}\n'


def store_fails_once(store: MemoryStore) -> None:
    store.fail(StoreUnavailable("storing it", got="no answer"))


def test_a_staging_says_whose_it_is_until_it_ends() -> None:
    store = MemoryStore()
    writer = writer_to(store)
    writer.begin(b"cluster prefix")
    assert store.get(store.uri(FOLDER + BEGUN)) == b"cluster prefix"
    store_fails_once(store)
    writer.end()
    assert store.get(store.uri(FOLDER + BEGUN)) == b""


def test_an_unavailable_store_is_no_reason_to_wait_before_anything_is_read() -> None:
    """The caller waits, as long as a start waits for any server."""
    store = MemoryStore()
    store_fails_once(store)
    with pytest.raises(StoreUnavailable):
        writer_to(store).begin(b"")


@pytest.mark.usefixtures("small_parts")
def test_outages_are_told_and_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_writer, "retry", lambda attempt, seconds: brief(attempt, seconds))
    store, outages = MemoryStore(), list[Retryable | None]()
    writer = writer_to(store, outages)
    rows = [as_row(numbered(number)) for number in range(60)]
    for row in rows[:39]:
        writer.add(row)
    gone = [StoreUnavailable("storing it", got=f"no answer, {number}") for number in range(3)]
    store.fail(*gone)
    for row in rows[39:]:
        writer.add(row)
    assert outages == [*gone, None]
    assert list(read_rows(store, staged(writer.finish(None)))) == rows


def brief(attempt: object, seconds: float) -> object:
    return retry.retry(attempt, seconds=seconds, backoff=retry.BRIEF_BACKOFF)  # type: ignore[arg-type]


def test_what_will_not_heal_ends_the_run() -> None:
    store = MemoryStore()
    writer = writer_to(store)
    writer.add(as_row(a_request()))
    store.fail(MissingObject("no"))
    with pytest.raises(MissingObject):
        writer.finish(None)


class Forgetful(MemoryStore):
    """Keeps no object, as a server that is not in this process, and measures memory."""

    def __init__(self) -> None:
        super().__init__()
        self.peaks: list[int] = []

    def put(self, key: str, data: bytes, content_type: str) -> str:
        self.peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
        return self.uri(key)


def test_memory_holds_one_part_however_long_the_list_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_writer, "BATCH", 200)
    monkeypatch.setattr(part_writer, "PART", 4000)
    random, store, size = Random(7), Forgetful(), 1000
    writer = writer_to(store)
    tracemalloc.start()
    try:
        for number in range(5 * 4000):
            source = random.randbytes(size)  # which cannot be compressed
            writer.add(StagedRow(number, f"request-{number}", 1, "normal", b"{}", source))
    finally:
        tracemalloc.stop()
    assert len(store.peaks) == 5
    part, batch = 4000 * size, 200 * size
    assert max(store.peaks) < 1.5 * part + 3 * batch, "two parts, or more than two batches besides"
