"""The age of the oldest request, told from offsets alone."""

import pytest

from seedcast.kafka import Partition
from seedcast.kafka.start_offsets import Committed
from seedcast.producers.gateway import oldest_request as module
from seedcast.producers.gateway.oldest_request import oldest_request
from seedcast.settings import Settings

NOW = 1_000_000.0
ONE, TWO = Partition("requests", 0), Partition("requests", 1)


class Offsets:
    """Two partitions, with a record every ten seconds until now; the last is number 1,000."""

    def __init__(self, one: int, two: int | None) -> None:
        self.next, self.asked = {ONE: one, TWO: two}, 0

    def committed(self, group: str, topics: list[str]) -> dict[Partition, Committed]:
        assert group.endswith("gpu-consumers")
        return {p: Committed(offset, "") for p, offset in self.next.items()}

    def first_since(self, topics: list[str], moment: float) -> dict[Partition, int]:
        self.asked += 1
        return dict.fromkeys((ONE, TWO), max(0, 1000 - int((NOW - moment) // 10)))


@pytest.mark.parametrize(
    ("one", "two", "age"),
    [(1001, 1001, 0), (1000, 1001, 0), (999, 1001, 5), (1001, 996, 30), (993, None, 3600)],
)
def test_the_oldest_of_all_partitions_counts(
    one: int, two: int | None, age: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "time", lambda: NOW)
    assert oldest_request(Settings(), Offsets(one, two)) == age


def test_where_nothing_waits_one_question_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", lambda: NOW)
    offsets = Offsets(1001, 1001)
    assert oldest_request(Settings(), offsets) == 0
    assert offsets.asked == 1
