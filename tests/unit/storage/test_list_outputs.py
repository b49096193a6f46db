"""How a list ended: what its objects say, that they are always the same, and when one is gone."""

import dataclasses
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from seedcast.codec import encode_json
from seedcast.errors import StoreUnavailable
from seedcast.schemas.messages import Campaign, Outputs, Receipt, Rendition, Status
from seedcast.schemas.rights import OUTPUTS
from seedcast.storage import list_outputs
from seedcast.storage.index.indexed import IndexedRequest
from seedcast.storage.list_outputs import IncompleteList, missing_outputs, output_key, write_outputs
from seedcast.storage.memory_store import MemoryStore
from tests.builders.indexing import ended
from tests.builders.requests import numbered
from tests.builders.staged import stage

MOMENT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
STATUSES: tuple[Status, ...] = ("succeeded", "failed", "succeeded", "expired", "cancelled")
REQUESTS = [numbered(n, metadata={"id": f"b-{n}"}) for n in range(1, 6)]
RECEIPT = Receipt(
    voice_seed=7,
    text_digest="0f" * 32,
    waveform_sha256="f0" * 32,
    engine_fingerprint="espeak-0f",
    chain_fingerprint="chain-0f",
    draw=2,
)


def indexed() -> list[IndexedRequest]:
    results = [ended(request, status) for request, status in zip(REQUESTS, STATUSES, strict=True)]
    results[0] = replace(results[0], receipt=RECEIPT, unspoken=3)
    return [
        IndexedRequest(
            campaign_id="night",
            request_id=result.request_id,
            row=row,
            own_id="cut",
            status=result.status,
            ended_at=MOMENT + timedelta(seconds=row),
            manifest=encode_json(result),
        )
        for row, result in enumerate(results, start=1)
    ]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def night(store: MemoryStore) -> Campaign:
    return stage(store, "night", REQUESTS)


def stored(store: MemoryStore) -> dict[str, bytes]:
    return {name: store.get(store.uri(output_key("night", name))) for name in OUTPUTS}


def test_a_line_is_a_row_and_rendition_in_the_lists_order(
    store: MemoryStore, night: Campaign
) -> None:
    write_outputs(store, night, indexed())
    lines = pq.read_table(io.BytesIO(stored(store)["results.parquet"])).to_pylist()
    assert [(line["row"], line["profile"]) for line in lines] == [
        (1, "phone"),
        (1, "telephony"),
        (2, None),
        (3, "phone"),
        (3, "telephony"),
        (4, None),
        (5, None),
    ]
    assert [line["id"] for line in lines[1:3]] == ["b-1", "b-2"], "whole, where the index cuts"
    first, failed = lines[0], lines[2]
    told = (first["voice_seed"], first["draw"], first["unspoken"], first["waveform_sha256"])
    assert told == (7, 2, 3, "f0" * 32)
    assert (first["duration"], first["error_code"]) == (1.25, None)
    assert (failed["error_code"], failed["error"], failed["uri"]) == (
        "engine_error",
        "told to",
        None,
    )
    assert failed["ended_at"] == MOMENT + timedelta(seconds=2)


def test_every_field_of_a_rendition_is_a_column() -> None:
    names = list_outputs.SCHEMA.names
    assert tuple(names[-len(Rendition.__struct_fields__) :]) == Rendition.__struct_fields__


def test_errors_and_counts_are_those_of_the_rows(store: MemoryStore, night: Campaign) -> None:
    write_outputs(store, night, indexed())
    objects = stored(store)
    errors = [json.loads(line) for line in objects["errors.jsonl"].splitlines()]
    assert [(each["row"], each["id"], each["status"]) for each in errors] == [
        (2, "b-2", "failed"),
        (4, "b-4", "expired"),
        (5, "b-5", "cancelled"),
    ]
    summary = json.loads(objects["summary.json"])
    assert summary["requests"] == sum(summary[status] for status in set(STATUSES)) == 5
    assert summary["errors"] == {"engine_error": 3}
    assert summary["profiles"]["phone"] == {"renditions": 2, "seconds": 2.5, "bytes": 1800}
    assert summary["last_result_at"] == "2026-11-24T02:30:05Z"
    assert not any(b"message number" in data for data in objects.values()), "no text is in it"


def test_what_is_written_again_is_the_same_whatever_came_in_which_portion(
    store: MemoryStore, night: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_outputs, "BATCH", 2)
    outputs = write_outputs(store, night, indexed())
    first = stored(store)
    named = (outputs.results, outputs.errors, outputs.summary)
    assert [(each.name, each.bytes, each.sha256) for each in named] == [
        (name, len(first[name]), hashlib.sha256(first[name]).hexdigest()) for name in OUTPUTS
    ]
    assert write_outputs(store, night, (each for each in indexed())) == outputs
    assert stored(store) == first


def test_an_empty_list_has_outputs(store: MemoryStore) -> None:
    outputs = write_outputs(store, stage(store, "night"), [])
    assert outputs.errors.bytes == 0
    assert pq.read_table(io.BytesIO(stored(store)["results.parquet"])).num_rows == 0


def test_a_list_with_an_open_request_is_not_written(store: MemoryStore, night: Campaign) -> None:
    waiting = IndexedRequest(campaign_id="night", request_id="request-9", row=6, own_id=None)
    with pytest.raises(IncompleteList, match="request-9"):
        write_outputs(store, night, [*indexed(), waiting])
    assert written(store) == []


def test_an_index_that_lacks_the_list_or_a_part_of_it_overwrites_nothing(
    store: MemoryStore, night: Campaign
) -> None:
    """A new index has results before it has the lists that they are of."""
    with pytest.raises(IncompleteList, match="has 0 of 5"):
        write_outputs(store, night, [])
    with pytest.raises(IncompleteList, match="has 4 of 5"):
        write_outputs(store, night, indexed()[:4])
    with pytest.raises(IncompleteList, match="list is not in the index"):
        write_outputs(store, night, [dataclasses.replace(each, row=None) for each in indexed()])
    assert written(store) == []


def written(store: MemoryStore) -> list[str]:
    """Outputs lie beside the folder of the list's parts."""
    return [each.key for each in store.list("_lists/night/") if each.key.count("/") == 2]


def test_numbers_that_no_column_holds_become_the_nearest(
    store: MemoryStore, night: Campaign
) -> None:
    """Messages bound none of them, and one odd result must not keep a list from its end."""
    first, *rest = indexed()
    result = first.result
    assert result is not None
    assert result.receipt is not None
    odd = replace(
        result,
        unspoken=2**40,
        receipt=replace(result.receipt, draw=2**31),
        renditions=tuple(replace(each, chain_version=2**70) for each in result.renditions),
    )
    given = dataclasses.replace(first, manifest=encode_json(odd))
    write_outputs(store, night, [given, *rest])
    table = pq.read_table(io.BytesIO(stored(store)["results.parquet"])).to_pylist()
    assert {table[0][name] for name in ("unspoken", "draw", "chain_version")} == {2**31 - 1}


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_is_gone_is_missed_while_its_list_is_there(
    store: MemoryStore, night: Campaign, name: str
) -> None:
    record = replace(night, outputs=write_outputs(store, night, indexed()))
    assert missing_outputs(store, [night, record]) == []
    store.delete(store.uri(output_key("night", name)))
    assert missing_outputs(store, [night, record]) == [record]
    store.put(output_key("night", name), b"half", "")
    assert missing_outputs(store, [record]) == [record]
    for info in list(store.list("_lists/night/0")):
        store.delete(info.uri)
    assert missing_outputs(store, [record]) == [], "what deletes old lists has deleted it, too"


def test_a_store_that_is_away_says_so(store: MemoryStore, night: Campaign) -> None:
    store.fail(StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable, match="away"):
        write_outputs(store, night, indexed())
    assert isinstance(write_outputs(store, night, indexed()), Outputs)
