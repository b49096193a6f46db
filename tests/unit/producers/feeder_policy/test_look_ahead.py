"""Rows in order, past full partitions, and a place from which they go on exactly."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.producers.feeder.policy.look_ahead import START, LookAhead, Place

WINDOW = 5
ALL = set(range(4))  # partitions

Rows = LookAhead[tuple[int, int], int]  # number and partition


def a_list(partitions: list[int]) -> list[tuple[int, int]]:
    return list(enumerate(partitions))


def rows_of(listed: list[tuple[int, int]], place: Place = START, window: int = WINDOW) -> Rows:
    return LookAhead(islice(listed, place.first, None), lambda row: row[1], place, window)


def fed(rows: Rows, full: set[int] | None = None, most: int = 10_000) -> list[int]:
    """Feed and acknowledge what may be fed; return the rows' numbers."""
    numbers = []
    while len(numbers) < most and (taken := rows.take(ALL - (full or set()))):
        index, row = taken
        assert index == row[0]
        rows.acknowledge(index)
        numbers.append(row[0])
    return numbers


def test_with_room_everywhere_rows_go_in_order() -> None:
    rows = rows_of(a_list([0, 1, 2, 0, 1]))
    assert fed(rows) == [0, 1, 2, 3, 4]
    assert rows.is_fed
    assert rows.place == Place(5)


def test_rows_of_a_full_partition_are_passed_over_and_come_first_when_it_has_room() -> None:
    rows = rows_of(a_list([0, 1, 0, 1, 0, 1, 1]))
    assert fed(rows, full={0}, most=2) == [1, 3]
    assert rows.place == Place(4, (0, 2))
    assert fed(rows) == [0, 2, 4, 5, 6]


def test_one_full_partition_stops_nobody_until_the_window_is_full_of_its_rows() -> None:
    rows = rows_of(a_list([0, 1, 1, 1, 1, 1, 1, 1] * 10))
    assert len(fed(rows, full={0})) == 7 * (WINDOW - 1)
    assert rows.has_passed
    assert rows.place.unfed == (0, 8, 16, 24, 32)
    assert not rows.is_fed


def test_nothing_is_read_while_no_partition_has_room() -> None:
    rows = rows_of(a_list([0, 1, 2, 3]))
    assert rows.take(set()) is None
    assert rows.place == START


def test_what_is_taken_is_not_fed_before_it_is_acknowledged() -> None:
    rows = rows_of(a_list([0, 0, 0]))
    rows.take(ALL)
    rows.take(ALL)
    rows.acknowledge(1)
    assert rows.place == Place(2, (0,))
    fed(rows)
    assert not rows.is_fed
    rows.acknowledge(0)
    assert rows.is_fed


def test_what_is_given_back_comes_again_before_later_rows() -> None:
    rows = rows_of(a_list([0, 0, 0, 0, 0]))
    for _ in range(3):
        rows.take(ALL)
    rows.give_back(2)
    rows.give_back(0)
    rows.acknowledge(1)
    assert fed(rows) == [0, 2, 3, 4]


def test_an_error_of_reading_loses_no_row() -> None:
    listed = a_list([0, 1, 0, 1, 0, 1])

    def failing() -> Iterator[tuple[int, int]]:
        yield from listed[:3]
        raise OSError("the store is away")

    rows: Rows = LookAhead(failing(), lambda row: row[1], window=WINDOW)
    with pytest.raises(OSError, match="away"):
        fed(rows, full={0})
    rows.resume(iter(listed[rows.place.read :]))
    assert fed(rows) == [0, 2, 3, 4, 5]


def test_an_empty_list_is_fed_once_that_is_seen() -> None:
    rows = rows_of([])
    assert fed(rows) == []
    assert rows.is_fed


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take"] * 5 + ["acknowledge"] * 4 + ["give_back", "checkpoint", "crash"]),
        st.sets(st.integers(0, 3)),
        st.integers(0, 100),
    ),
    max_size=120,
)


@given(partitions=st.lists(st.integers(0, 3), max_size=60), steps=STEPS)
def test_after_any_crashes_no_row_is_lost_and_only_those_since_the_checkpoint_repeat(
    partitions: list[int], steps: list[tuple[str, set[int], int]]
) -> None:
    listed = a_list(partitions)
    rows, checkpoint = rows_of(listed), START
    taken, sent, since = list[int](), Counter[int](), Counter[int]()
    repeats = Counter[int]()  # that crashes explain
    for what, full, which in steps:
        if what == "take" and (found := rows.take(ALL - full)):
            assert found[1][1] not in full
            taken.append(found[0])
        elif what == "acknowledge" and taken:
            index = taken.pop(which % len(taken))
            rows.acknowledge(index)
            sent[index] += 1
            since[index] += 1
        elif what == "give_back" and taken:
            rows.give_back(taken.pop(which % len(taken)))
        elif what == "checkpoint":
            checkpoint = rows.place
            since.clear()
        elif what == "crash":
            rows = rows_of(listed, checkpoint)
            assert rows.place == checkpoint
            repeats += since
            since.clear()
            taken.clear()
        passed = sum(len(waiting) for waiting in rows._passed.values())
        assert passed == rows._count
    for index in taken:
        rows.give_back(index)
    sent.update(fed(rows))
    assert rows.is_fed
    assert sent == Counter(range(len(listed))) + repeats


@given(st.lists(st.integers(0, 3), max_size=300), st.lists(st.sets(st.integers(0, 3)), max_size=30))
def test_the_place_and_the_memory_are_bounded(partitions: list[int], fulls: list[set[int]]) -> None:
    rows = rows_of(a_list(partitions))
    for full in fulls:
        fed(rows, full)
        assert len(rows.place.unfed) <= WINDOW


@given(st.lists(st.integers(0, 3), max_size=100), st.lists(st.sets(st.integers(0, 3)), max_size=30))
def test_rows_of_one_partition_keep_their_order(
    partitions: list[int], fulls: list[set[int]]
) -> None:
    listed = a_list(partitions)
    rows = rows_of(listed)
    numbers = [number for full in [*fulls, set[int]()] for number in fed(rows, full)]
    assert sorted(numbers) == list(range(len(listed)))
    for partition in range(4):
        own = [number for number in numbers if partitions[number] == partition]
        assert own == sorted(own)
