"""How much each partition is fed ahead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.producers.feeder.policy.depth import IDLE_ROWS, LEAST_ROWS, ROWS_PER_SLOT, Depth
from seedcast.producers.feeder.policy.throughput import MEMORY, Throughput

AHEAD = 30.0
JUMPS = st.sampled_from([0.0, 0.1, 1.0, 5.0, -1.0, -3600.0, 86_400.0, 1e15, -1e15])


def a_depth(slots: int = 64, partitions: int = 8) -> Depth[int]:
    depth = Depth[int](AHEAD)
    depth.set_fleet(slots, [range(partitions)])
    return depth


def filled(depth: Depth[int], partition: int, now: float, seconds: float = 5.0) -> int:
    """Feed until there is no room; return how many rows that took."""
    rows = 0
    while depth.has_room(partition, now):
        depth.fed(f"{partition}-{len(depth)}-{now}-{rows}", partition, seconds)
        rows += 1
        assert rows < 100_000
    return rows


def spoken(
    depth: Depth[int], partition: int, per_second: float, since: float, until: float
) -> None:
    """Let a partition finish rows of one second each at a steady rate."""
    count = round((until - since) * per_second)
    for number in range(count):
        at, name = since + number / per_second, f"spoken-{partition}-{since}-{number}"
        depth.fed(name, partition, 1.0)
        depth.ended(name, at, spoken=True)


def test_without_a_rate_the_slots_are_filled() -> None:
    depth = a_depth(slots=64, partitions=8)
    assert filled(depth, 0, 0.0) == 64 / 8 * ROWS_PER_SLOT


def test_with_more_partitions_than_slots_each_gets_a_few() -> None:
    assert filled(a_depth(slots=8, partitions=48), 0, 0.0) == LEAST_ROWS


def test_each_topic_has_room_of_its_own() -> None:
    depth = Depth[int](AHEAD)
    depth.set_fleet(64, [range(8), range(100, 102)])
    assert filled(depth, 0, 0.0) == 64 / 8 * ROWS_PER_SLOT
    assert filled(depth, 100, 0.0) == 64 / 2 * ROWS_PER_SLOT
    assert depth.roomy(0.0) == {*range(1, 8), 101}


def test_without_workers_each_partition_gets_rows_to_scale_up_by() -> None:
    depth = a_depth(slots=0)
    assert filled(depth, 0, 0.0) == IDLE_ROWS == 64
    assert filled(depth, 1, 0.0) == 64


def test_when_all_workers_are_gone_the_former_rate_counts_no_more() -> None:
    depth = a_depth()
    spoken(depth, 0, 100.0, 0.0, 100.0)
    depth.set_fleet(0, [range(8)])
    assert filled(depth, 0, 100.0) == 64
    depth.set_fleet(64, [range(8)])
    assert depth.has_room(0, 100.0)


@pytest.mark.parametrize("rate", [10.0, 50.0])
def test_a_partition_is_fed_ahead_at_its_own_rate(rate: float) -> None:
    depth = a_depth(slots=8)
    spoken(depth, 0, rate, 0.0, 120.0)
    assert filled(depth, 0, 120.0) * 5 == pytest.approx(AHEAD * rate, rel=0.05, abs=10)
    assert filled(depth, 1, 120.0) == LEAST_ROWS


def test_a_hung_partition_gets_no_more_than_the_slots_need() -> None:
    depth = a_depth(slots=64, partitions=8)
    spoken(depth, 0, 20.0, 0.0, 60.0)
    assert filled(depth, 0, 60.0) > 100
    for number in range(50):
        depth.forget(f"0-{number}-60.0-{number}")
    assert not depth.has_room(0, 60.0 + 5 * MEMORY)


def test_a_result_makes_room() -> None:
    depth = a_depth()
    filled(depth, 0, 0.0)
    assert depth.ended("0-3-0.0-3", 1.0, spoken=False)
    assert depth.has_room(0, 1.0)


def test_a_row_without_a_result_can_be_forgotten() -> None:
    depth = a_depth()
    filled(depth, 0, 0.0)
    assert depth.forget("0-0-0.0-0")
    assert not depth.forget("0-0-0.0-0")
    assert depth.has_room(0, 0.0)


def test_what_ends_unspoken_says_nothing_of_the_rate() -> None:
    """Else a cancelled campaign's thousands of quick ends would let the next one flood."""
    depth = a_depth(slots=8)
    for number in range(10_000):
        depth.fed(f"r{number}", 0, 5.0)
        depth.ended(f"r{number}", number / 1000, spoken=False)
    assert depth.per_second(10.0) == 0
    assert filled(depth, 0, 10.0) == LEAST_ROWS


def test_repeats_and_strangers_count_once_or_not_at_all() -> None:
    depth = a_depth()
    depth.fed("r", 0, 5.0)
    depth.fed("r", 0, 5.0)
    assert depth.waiting(0) == (1, 5.0)
    assert depth.ended("r", 1.0, spoken=True)
    assert not depth.ended("r", 1.0, spoken=True)
    assert not depth.ended("stranger", 1.0, spoken=True)
    assert depth.waiting(0) == (0, 0.0)
    assert depth.waiting(7) == (0, 0.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fed", "ended", "forget"]),
            st.integers(0, 12),
            st.integers(0, 3),
            st.floats(0.1, 60),
            JUMPS,
        ),
        max_size=100,
    )
)
def test_what_waits_is_what_was_fed_and_has_not_ended(
    steps: list[tuple[str, int, int, float, float]],
) -> None:
    depth, expected, now = a_depth(), dict[str, tuple[int, float]](), 1.8e9
    for what, number, partition, seconds, jump in steps:
        now, name = now + jump, f"r{number}"
        if what == "fed":
            depth.fed(name, partition, seconds)
            expected.setdefault(name, (partition, seconds))
        elif what == "ended":
            assert depth.ended(name, now, spoken=True) == (name in expected)
            expected.pop(name, None)
        else:
            assert depth.forget(name) == (name in expected)
            expected.pop(name, None)
        assert len(depth) == len(expected)
        for place in range(4):
            rows = [seconds for at, seconds in expected.values() if at == place]
            assert depth.waiting(place) == (len(rows), pytest.approx(sum(rows)))
        assert depth.per_second(now) >= 0


def finished(throughput: Throughput, rate: float, since: float, until: float) -> None:
    for tenth in range(round((until - since) * 10)):
        throughput.add(rate / 10, since + tenth / 10)


@given(rate=st.floats(0.1, 1000), seconds=st.floats(10, 600), began=st.sampled_from([0.0, 1.8e9]))
def test_a_steady_rate_is_measured_from_the_start(
    rate: float, seconds: float, began: float
) -> None:
    throughput = Throughput()
    finished(throughput, rate, began, began + seconds)
    assert throughput.per_second(began + seconds) == pytest.approx(rate, rel=0.05)


def test_one_result_is_no_high_rate() -> None:
    throughput = Throughput()
    throughput.add(10.0, 0.0)
    assert throughput.per_second(0.01) == pytest.approx(2, rel=0.01)


def test_a_rate_that_ends_is_forgotten() -> None:
    throughput = Throughput()
    finished(throughput, 10.0, 0.0, 100.0)
    assert throughput.per_second(100.0 + 3 * MEMORY) < 0.6


@given(st.lists(JUMPS, min_size=1, max_size=8))
def test_after_any_jumps_the_rate_is_right_again_soon(jumps: list[float]) -> None:
    throughput, now = Throughput(), 1.8e9
    finished(throughput, 10.0, now, now + 100)
    for jump in jumps:
        now += jump
        assert 0 <= throughput.per_second(now) <= 20
        throughput.add(1.0, now)
    began = 1.8e9
    finished(throughput, 10.0, began, began + 4 * MEMORY)
    assert throughput.per_second(began + 4 * MEMORY) == pytest.approx(10, rel=0.15)
