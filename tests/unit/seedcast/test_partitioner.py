"""The partition of a request: one voice seed spreads as far as it is told to."""

import pytest

from seedcast.kafka.partitioner import partition


@pytest.mark.parametrize(("spread", "used"), [(1, 1), (3, 3), (8, 8), (100, 8), (0, 8)])
def test_a_voice_spreads_over_as_many_partitions_as_the_option_says(spread: int, used: int) -> None:
    counts = [partition(b"2222", f"request-{number}".encode(), spread, 8) for number in range(4000)]
    assert len(set(counts)) == used
    assert max(map(counts.count, set(counts))) < 1.3 * len(counts) / used
