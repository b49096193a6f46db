"""The notes of an audit are on disk: its memory does not grow with the campaign. And the groups that it asks are those that commit."""

import tracemalloc

from gpu_consumers import assignments, parking
from storage.audit.passed import GROUPS
from storage.audit.state import State
from stream_apps import configuration
from tests.unit.storage.audit.cases import place, spoken

BATCH = 1000


def peak(requests: int) -> int:
    """Bytes of Python objects held at once while that many requests and results are noted."""
    state = State()
    tracemalloc.start()
    try:
        for start in range(0, requests, BATCH):
            numbers = range(start, start + BATCH)
            state.add_results([spoken(number) for number in numbers])
            state.add_requests(place(number) for number in numbers)
        assert state.count("SELECT * FROM outcome") == requests
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        state.close()


def test_memory_is_flat() -> None:
    peak(BATCH)  # what is imported and cached once
    assert peak(20 * BATCH) < 1.2 * peak(4 * BATCH)


def test_the_groups_are_those_of_the_workers() -> None:
    assert set(GROUPS) == {assignments.GROUP, parking.GROUP, configuration.GROUP}
