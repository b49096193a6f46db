"""The scheduler: urgent first, partitions in turn, deadline before length.

No request is lost, and none is served twice.
"""

from hypothesis import given
from hypothesis import strategies as st

from seedcast.gpu_consumers.scheduler import Scheduler, Waiting
from seedcast.kafka import Partition

BULK = [Partition("requests", number) for number in range(3)]
URGENT = Partition("requests.urgent", 0)


def test_an_urgent_request_takes_the_next_free_slot() -> None:
    scheduler = Scheduler()
    scheduler.add(BULK[0], Waiting.of(1, 500, deadline=0.0))
    scheduler.add(URGENT, Waiting.of(2, 5, urgent=True))
    assert list(scheduler.fill(2)) == [2, 1]


def test_partitions_are_served_in_turn() -> None:
    scheduler = Scheduler()
    for ticket in range(6):
        scheduler.add(BULK[0], Waiting.of(ticket, 10))
    scheduler.add(BULK[1], Waiting.of(10, 10))
    scheduler.add(BULK[2], Waiting.of(20, 10))
    assert list(scheduler.fill(4)) == [0, 10, 20, 1]


def test_the_earliest_deadline_goes_first_then_the_longest_text() -> None:
    scheduler = Scheduler()
    scheduler.add(BULK[0], Waiting.of(1, 10))
    scheduler.add(BULK[0], Waiting.of(2, 99))
    scheduler.add(BULK[0], Waiting.of(3, 1, deadline=200.0))
    scheduler.add(BULK[0], Waiting.of(4, 1, deadline=100.0))
    assert list(scheduler.fill(9)) == [4, 3, 2, 1]


def test_without_bulk_only_urgent_requests_get_a_slot() -> None:
    scheduler = Scheduler()
    scheduler.add(BULK[0], Waiting.of(1, 500))
    scheduler.add(URGENT, Waiting.of(2, 5, urgent=True))
    assert list(scheduler.fill(2, bulk=False)) == [2]
    assert list(scheduler.fill(2)) == [1]


def test_withdrawn_requests_leave_and_the_others_keep_their_order() -> None:
    scheduler = Scheduler()
    for ticket in range(9):
        scheduler.add(BULK[ticket % 3], Waiting.of(ticket, ticket))
    scheduler.withdraw({0, 3, 6, 8})
    assert (len(scheduler), scheduler.waiting(BULK[0])) == (5, 0)
    scheduler.add(BULK[0], Waiting.of(10, 1))
    assert list(scheduler.fill(9)) == [7, 5, 10, 4, 2, 1]


def test_the_other_partitions_keep_their_turn_when_one_is_dropped() -> None:
    scheduler = Scheduler()
    for ticket, partition in enumerate(BULK):
        scheduler.add(partition, Waiting.of(ticket, 10))
    assert scheduler.drop(BULK[1]) == [1]
    assert (list(scheduler.fill(9)), scheduler.waiting(BULK[1]), len(scheduler)) == ([0, 2], 0, 0)


items = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 99), st.none() | st.floats(0, 9)), max_size=40
)


@given(items, st.lists(st.integers(0, 5)))
def test_every_ticket_leaves_exactly_once(
    added: list[tuple[int, int, float | None]], free_slots: list[int]
) -> None:
    scheduler, served = Scheduler(), []
    for ticket, (partition, characters, deadline) in enumerate(added):
        scheduler.add(BULK[partition], Waiting.of(ticket, characters, deadline))
        served += list(scheduler.fill(free_slots[ticket] if ticket < len(free_slots) else 0))
    served += list(scheduler.fill(len(added)))
    assert sorted(served) == list(range(len(added)))


@given(items, st.integers(1, 9))
def test_no_partition_with_requests_waits_while_another_is_served_twice(
    added: list[tuple[int, int, float | None]], free: int
) -> None:
    scheduler = Scheduler()
    owner = {}
    for ticket, (partition, characters, deadline) in enumerate(added):
        scheduler.add(BULK[partition], Waiting.of(ticket, characters, deadline))
        owner[ticket] = partition
    waiting = {p: scheduler.waiting(BULK[p]) for p in range(3)}
    served = [owner[t] for t in scheduler.fill(free)]
    for p in range(3):
        if waiting[p] > served.count(p):  # some of its requests were not served
            assert max((served.count(q) for q in range(3)), default=0) <= served.count(p) + 1
