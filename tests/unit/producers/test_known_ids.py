"""Ids that a list has had are found again, wherever they lie, and no others."""

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.producers.staging import known_ids
from seedcast.producers.staging.id_filter import IdFilter, hashes_of
from seedcast.producers.staging.id_runs import IdRuns, Known
from seedcast.producers.staging.known_ids import KnownIds

ids = st.text("abcXYZ019_-", min_size=8, max_size=64)


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_ids, "RECENT", 5)
        yield


@given(st.lists(st.lists(ids, max_size=7), max_size=9), st.lists(ids, max_size=5))
def test_what_was_added_is_found_and_nothing_else(
    batches: list[list[str]], never: list[str]
) -> None:
    expected, row = dict[str, Known](), 0
    with closing(KnownIds()) as known:
        for batch in batches:
            asked = [*batch, *never]
            assert known.find(asked) == {one: expected[one] for one in asked if one in expected}
            new = {
                one: Known(bytes([row + place]) * 31 + b"\0", row + place)
                for place, one in enumerate(batch)
                if one not in expected
            }
            known.add(new)
            expected |= new
            row += len(batch)
        assert known.find(list(expected)) == expected


def test_ids_of_one_hash_are_told_apart() -> None:
    with closing(IdRuns()) as runs:
        for start in (0, 10):
            some = {f"request-{start + n}": Known(bytes(32), start + n) for n in range(10)}
            runs.add(some, np.array([7, 7, 7, 7, 1, 2, 3, 9, 9, 9], np.int64))
        asked = ["request-2", "request-13", "request-99", "request-9", "request-4"]
        found = runs.find(asked, np.array([7, 7, 7, 9, 1], np.int64))
    assert {one: known.row for one, known in found.items()} == {
        "request-2": 2,
        "request-13": 13,
        "request-9": 9,
        "request-4": 4,
    }


def test_the_filter_is_sure_of_nearly_all_that_is_new() -> None:
    def hashes(start: int) -> "np.ndarray":
        return hashes_of([f"request-{n}" for n in range(start, start + 100_000)])

    seen = IdFilter()
    seen.add(hashes(0))
    assert len(seen.may_have(hashes(0))) == 100_000
    assert len(seen.may_have(hashes(100_000))) < 5
