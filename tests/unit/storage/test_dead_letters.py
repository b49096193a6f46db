from datetime import UTC, datetime

import pytest

from schemas.topics import AUDIO, DEAD_LETTERS, MIB
from seedcast.errors import MissingObject, StoreUnavailable, Undecodable
from seedcast.kafka import Headers, Partition, Record
from storage.dead_letters import ORIGINAL, dead_letter, original, parse
from storage.memory_store import MemoryStore

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
ERROR = Undecodable("record is not a SpeechRequest", got="something else")


def record(
    value: bytes = b"\xff", key: bytes | None = b"7", headers: Headers = (("trace", b"abc"),)
) -> Record:
    return Record(Partition("seedcast.requests", 3), 42, key, value, tuple(headers), 0)


def sent(letter: tuple[bytes | None, bytes, Headers]) -> Record:
    key, value, headers = letter
    return Record(Partition("seedcast.dead-letters", 0), 5, key, value, tuple(headers), 0)


def size(letter: tuple[bytes | None, bytes, Headers]) -> int:
    """As Kafka counts it: batch and record overhead, and at most five bytes for each length."""
    key, value, headers = letter
    return (
        61
        + 32
        + len(key or b"")
        + len(value)
        + sum(len(name.encode()) + len(content) + 10 for name, content in headers)
    )


def test_a_letter_says_why_and_from_where_by_kafka_connects_names() -> None:
    key, value, headers = dead_letter(
        record(), ERROR, stage="gpu-consumer", store=MemoryStore(), now=NOW
    )
    found = dict(headers)
    assert (key, value) == (b"7", b"\xff")
    assert found["__connect.errors.topic"] == b"seedcast.requests"
    assert found["__connect.errors.partition"] == b"3"
    assert found["__connect.errors.offset"] == b"42"
    assert found["__connect.errors.stage"] == b"gpu-consumer"
    assert (
        found["__connect.errors.class.name"]
        == found["__connect.errors.exception.class.name"]
        == b"seedcast.errors.Undecodable"
    )
    assert found["__connect.errors.exception.message"] == str(ERROR).encode()
    assert found["seedcast.first-failure"] == NOW.isoformat().encode()
    assert found["seedcast.version"]


def test_a_letter_reads_back_and_gives_the_original() -> None:
    store = MemoryStore()
    letter = parse(sent(dead_letter(record(), ERROR, stage="gpu-consumer", store=store, now=NOW)))
    assert (letter.position, letter.topic, letter.partition, letter.offset, letter.stage) == (
        5,
        "seedcast.requests",
        3,
        42,
        "gpu-consumer",
    )
    assert (letter.first_failure, letter.value_object) == (NOW, None)
    key, value, headers = original(letter, store)
    assert (key, value, list(headers)[:1]) == (b"7", b"\xff", [("trace", b"abc")])


def test_a_letter_that_was_put_back_and_fails_again_keeps_its_first_failure_and_is_counted() -> (
    None
):
    store = MemoryStore()
    letter = parse(sent(dead_letter(record(), ERROR, stage="s", store=store, now=NOW)))
    assert letter.delivery_count == 1
    for count in (2, 3):
        key, value, headers = original(letter, store)
        letter = parse(
            sent(dead_letter(record(value, key, headers), ERROR, stage="s", store=store))
        )
        assert (letter.delivery_count, letter.first_failure, letter.headers) == (
            count,
            NOW,
            (("trace", b"abc"),),
        )


@pytest.mark.parametrize("count", [b"", b"-1", b"many", b"\xff", b"9" * 5000])
def test_a_count_that_is_none_counts_for_nothing(count: bytes) -> None:
    letter = parse(
        sent(
            dead_letter(
                record(headers=[("seedcast.delivery-count", count)]),
                ERROR,
                stage="s",
                store=MemoryStore(),
            )
        )
    )
    assert (letter.delivery_count, letter.headers) == (1, ())


def test_a_letter_of_a_version_that_did_not_count_is_its_first() -> None:
    key, value, headers = dead_letter(record(), ERROR, stage="s", store=MemoryStore())
    assert (
        parse(
            sent(
                (
                    key,
                    value,
                    [header for header in headers if header[0] != "seedcast.delivery-count"],
                )
            )
        ).delivery_count
        == 1
    )


@pytest.mark.parametrize(
    ("value", "key", "headers"),
    [
        (b"v" * MIB, b"7", ()),
        (b"v" * (MIB - 60 * 1024), b"7", (("large", b"h" * 60 * 1024),)),
        (b"v", b"7", (("larger", b"h" * MIB),)),
        (b"v", b"7", [(f"h{n}", b"") for n in range(60_000)]),
        (b"v", b"k" * (MIB - 100), ()),
        (b"v" * (MIB // 2), b"k" * (MIB // 2), ()),
        (b"v" * (AUDIO.max_bytes - 100), b"7", ()),
        (b"", None, ()),
    ],
    ids=[
        "value",
        "value and header",
        "header",
        "many headers",
        "key",
        "value and key",
        "audio",
        "nothing",
    ],
)
def test_a_letter_fits_its_topic_whatever_the_record(
    value: bytes, key: bytes | None, headers: Headers
) -> None:
    store = MemoryStore()
    letter = dead_letter(record(value, key, headers), ERROR, stage="s", store=store)
    assert size(letter) <= DEAD_LETTERS.max_bytes
    assert original(parse(sent(letter)), store)[:2] == (key, value)


def test_a_request_as_large_as_its_topic_takes_stays_in_the_record() -> None:
    store = MemoryStore()
    letter = parse(sent(dead_letter(record(b"v" * MIB), ERROR, stage="s", store=store)))
    assert letter.value_object is None
    assert not list(store.list())


def test_a_long_message_is_cut_between_characters() -> None:
    letter = parse(
        sent(dead_letter(record(), Undecodable("§" * 5000), stage="s", store=MemoryStore()))
    )
    assert letter.message == "§" * 1024


def test_a_header_of_the_record_cannot_pass_for_ours() -> None:
    forged = (
        ("__connect.errors.topic", b"elsewhere"),
        ("seedcast.object", b"s3://b/k"),
        (f"{ORIGINAL}x", b"1"),
    )
    letter = parse(sent(dead_letter(record(headers=forged), ERROR, stage="s", store=MemoryStore())))
    assert (letter.topic, letter.value_object, letter.headers) == (
        "seedcast.requests",
        None,
        forged,
    )


def test_an_object_that_was_changed_is_not_put_back() -> None:
    store = MemoryStore()
    letter = parse(sent(dead_letter(record(b"v" * 2 * MIB), ERROR, stage="s", store=store)))
    assert letter.value_object
    store.put(letter.value_object.removeprefix("s3://memory/"), b"other", "")
    with pytest.raises(MissingObject, match="expected the bytes that its name says"):
        original(letter, store)


def test_a_store_that_is_away_is_the_callers_to_wait_for() -> None:
    store = MemoryStore()
    store.fail(StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        dead_letter(record(b"v" * 2 * MIB), ERROR, stage="s", store=store)


@pytest.mark.parametrize(
    "changed",
    [
        {"__connect.errors.offset": b"x"},
        {"__connect.errors.topic": None},
        {"seedcast.first-failure": b"yesterday"},
    ],
)
def test_a_record_that_is_no_letter_is_undecodable(changed: dict[str, bytes | None]) -> None:
    key, value, headers = dead_letter(record(), ERROR, stage="s", store=MemoryStore())
    kept = [
        (name, content)
        for name, content in (dict(headers) | changed).items()
        if content is not None
    ]
    with pytest.raises(Undecodable, match="dead letter at offset 5"):
        parse(sent((key, value, kept)))
