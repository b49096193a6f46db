"""Dead letters are parsed back to the record, fit their topic and cannot be forged."""

from datetime import UTC, datetime

import pytest

from seedcast.errors import MissingObject, StoreUnavailable, Undecodable
from seedcast.kafka import Headers, Partition, Record
from seedcast.schemas.topics import AUDIO, DEAD_LETTERS, MIB
from seedcast.storage.dead_letters import ORIGINAL, DeadLetter, dead_letter, newest, original, parse
from seedcast.storage.memory_store import MemoryStore

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
    """Return its size as Kafka counts it.

    A batch takes 61 bytes, a record 32, and each length at most five.
    """
    key, value, headers = letter
    header_bytes = sum(len(name.encode()) + len(content) + 10 for name, content in headers)
    return 61 + 32 + len(key or b"") + len(value) + header_bytes


def test_a_dead_letters_headers_say_why_and_from_where_by_kafka_connects_names() -> None:
    key, value, headers = dead_letter(
        record(), ERROR, stage="gpu-consumer", store=MemoryStore(), now=NOW
    )
    values = dict(headers)
    assert (key, value) == (b"7", b"\xff")
    assert values["__connect.errors.topic"] == b"seedcast.requests"
    assert values["__connect.errors.partition"] == b"3"
    assert values["__connect.errors.offset"] == b"42"
    assert values["__connect.errors.stage"] == b"gpu-consumer"
    for name in ("__connect.errors.class.name", "__connect.errors.exception.class.name"):
        assert values[name] == b"seedcast.errors.Undecodable"
    assert values["__connect.errors.exception.message"] == str(ERROR).encode()
    assert values["seedcast.first-failure"] == NOW.isoformat().encode()
    assert values["seedcast.version"]


def test_a_dead_letter_is_parsed_and_gives_the_original() -> None:
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


def test_a_record_that_fails_again_keeps_its_first_failure_and_is_counted() -> None:
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
def test_a_delivery_count_that_is_not_a_number_is_ignored(count: bytes) -> None:
    forged = record(headers=[("seedcast.delivery-count", count)])
    letter = parse(sent(dead_letter(forged, ERROR, stage="s", store=MemoryStore())))
    assert (letter.delivery_count, letter.headers) == (1, ())


def test_a_dead_letter_without_a_delivery_count_counts_as_the_first() -> None:
    """Versions of Seedcast that did not count wrote no such header."""
    key, value, headers = dead_letter(record(), ERROR, stage="s", store=MemoryStore())
    uncounted = [header for header in headers if header[0] != "seedcast.delivery-count"]
    assert parse(sent((key, value, uncounted))).delivery_count == 1


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
def test_a_dead_letter_fits_its_topic_whatever_the_record(
    value: bytes, key: bytes | None, headers: Headers
) -> None:
    store = MemoryStore()
    letter = dead_letter(record(value, key, headers), ERROR, stage="s", store=store)
    assert size(letter) <= DEAD_LETTERS.max_bytes
    assert original(parse(sent(letter)), store)[:2] == (key, value)


def test_the_largest_request_stays_in_the_dead_letter_itself() -> None:
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
    with pytest.raises(
        MissingObject, match="expected bytes with the SHA-256 that its name ends in"
    ):
        original(letter, store)


def test_an_unavailable_store_is_raised_to_the_caller() -> None:
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
def test_a_record_that_is_not_a_dead_letter_is_undecodable(
    changed: dict[str, bytes | None],
) -> None:
    key, value, headers = dead_letter(record(), ERROR, stage="s", store=MemoryStore())
    kept = [
        (name, content)
        for name, content in (dict(headers) | changed).items()
        if content is not None
    ]
    with pytest.raises(Undecodable, match="dead letter at offset 5"):
        parse(sent((key, value, kept)))


def test_a_record_that_failed_again_is_represented_by_its_newest_letter_alone() -> None:
    store = MemoryStore()

    def request(offset: int, key: bytes | None, value: bytes, headers: Headers = ()) -> Record:
        partition = Partition("seedcast.requests", 1)
        return Record(partition, offset, key, value, tuple(headers), 0)

    def letter(record: Record, position: int, now: datetime | None = None) -> DeadLetter:
        key, value, headers = dead_letter(record, ERROR, stage="s", store=store, now=now)
        partition = Partition("seedcast.dead-letters", 0)
        return parse(Record(partition, position, key, value, tuple(headers), 0))

    def fail_again(old: DeadLetter, position: int) -> DeadLetter:
        key, value, headers = original(old, store)
        return letter(request(70 + position, key, value, headers), position)

    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    large, small = b"\xff" * 2_000_000, b"\xfe"
    first = letter(request(0, b"7", large), 0, noon)
    other = letter(request(1, b"7", small), 1, noon)
    second = fail_again(first, 2)
    third = fail_again(second, 3)
    twin = letter(request(4, b"7", small), 4)
    positions = newest([first, other, second, third, twin])
    assert positions == {other.position, third.position, twin.position}
