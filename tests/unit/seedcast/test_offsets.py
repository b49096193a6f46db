"""What is committed beside an offset: read as it was written, and anything else means that nothing is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast import offsets


@given(st.integers(0, 2**40), st.sets(st.integers(0, offsets.MAX_BITS - 1), max_size=200))
def test_what_was_done_is_read_back(watermark: int, bits: set[int]) -> None:
    done = {watermark + bit for bit in bits}
    assert set(offsets.decode(watermark, offsets.encode(watermark, done))) == done


def test_what_is_out_of_reach_is_left_out_and_the_rest_fits_the_broker() -> None:
    metadata = offsets.encode(10, range(offsets.MAX_BITS + 100))
    assert len(metadata) <= offsets.MAX_METADATA
    assert set(offsets.decode(10, metadata)) == set(range(10, offsets.MAX_BITS + 10)) & set(range(offsets.MAX_BITS + 100))


@pytest.mark.parametrize("metadata", ["", "written by another tool", "1:%%%", "1:é", "2:AAAA"])
def test_foreign_metadata_means_that_nothing_is_known(metadata: str) -> None:
    assert list(offsets.decode(4, metadata)) == []
