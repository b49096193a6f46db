"""An audit's database is on disk, so that its memory does not grow with the campaign."""

import tracemalloc
from contextlib import closing

import pytest

from seedcast.storage.audit import repeat_checks
from seedcast.storage.audit.database import Database
from tests.unit.storage.audit.evidence import position, request_id, spoken

BATCH = 1000


def peak(requests: int) -> int:
    """Bytes of Python objects held at once while that many requests and results are added."""
    database = Database()
    tracemalloc.start()
    try:
        for start in range(0, requests, BATCH):
            numbers = range(start, start + BATCH)
            database.add_results([spoken(number) for number in numbers])
            database.add_requests(position(number) for number in numbers)
            database.add_list_rows((True, number, request_id(number)) for number in numbers)
        database.set_strays_apart()
        outcomes, unaccounted = (
            database.count("SELECT * FROM outcome"),
            database.find_unaccounted(),
        )
        assert (outcomes, unaccounted) == (requests, 0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        database.close()


def test_memory_is_flat() -> None:
    peak(BATCH)  # what is imported and cached once
    assert peak(20 * BATCH) < 1.2 * peak(4 * BATCH)


@pytest.mark.parametrize(
    "query",
    [
        repeat_checks.OTHER_STATUS,
        repeat_checks.OTHER_WAVEFORM,
        repeat_checks.OTHER_RENDITIONS,
        repeat_checks.OTHER_FINGERPRINT,
    ],
)
def test_results_are_compared_only_where_they_differ(query: str) -> None:
    """A query that sorts all results holds megabytes that no measure of Python's sees."""
    with closing(Database()) as database:
        plan = [step for *_, step in database.rows(f"EXPLAIN QUERY PLAN {query}")]
    assert [step.split(" USING")[0] for step in plan if "result" in step] == [
        "SEARCH result",
        "SCAN result",
    ]
    assert plan.index("CO-ROUTINE differing") + 1 == next(
        at for at, step in enumerate(plan) if step.startswith("SCAN result")
    )
