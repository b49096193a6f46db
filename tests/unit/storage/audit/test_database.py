"""The notes of an audit are on disk: its memory does not grow with the campaign. And the groups that it asks are those that commit."""

import tracemalloc
from contextlib import closing

import pytest

from gpu_consumers import assignments, parking
from storage.audit import checks
from storage.audit.committed import GROUPS
from storage.audit.database import Database
from stream_apps.postprocess import faust_app
from tests.unit.storage.audit.cases import name, place, spoken

BATCH = 1000


def peak(requests: int) -> int:
    """Bytes of Python objects held at once while that many requests and results are noted."""
    state = Database()
    tracemalloc.start()
    try:
        for start in range(0, requests, BATCH):
            numbers = range(start, start + BATCH)
            state.add_results([spoken(number) for number in numbers])
            state.add_requests(place(number) for number in numbers)
            state.add_expected((number, name(number)) for number in numbers)
        assert (state.count("SELECT * FROM outcome"), state.find_suspects()) == (requests, 0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        state.close()


def test_memory_is_flat() -> None:
    peak(BATCH)  # what is imported and cached once
    assert peak(20 * BATCH) < 1.2 * peak(4 * BATCH)


@pytest.mark.parametrize(
    "query",
    [
        checks._OTHER_STATUS,
        checks._OTHER_WAVEFORM,
        checks._OTHER_RENDITIONS,
        checks._OTHER_FINGERPRINT,
    ],
)
def test_results_are_compared_only_where_they_differ(query: str) -> None:
    """What would sort all of them holds megabytes that no measure of Python's sees."""
    with closing(Database()) as state:
        plan = [step for *_, step in state.rows(f"EXPLAIN QUERY PLAN {query}")]
    assert [step.split(" USING")[0] for step in plan if "result" in step] == [
        "SEARCH result",
        "SCAN result",
    ]
    assert plan.index("CO-ROUTINE torn") + 1 == next(
        at for at, step in enumerate(plan) if step.startswith("SCAN result")
    )


def test_the_groups_are_those_of_the_workers() -> None:
    assert set(GROUPS) == {assignments.GROUP, parking.GROUP, faust_app.GROUP}
