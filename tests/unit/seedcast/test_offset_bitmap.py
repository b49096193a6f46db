"""What is committed beside an offset: read as it was written, and anything else means that nothing is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.kafka import offset_bitmap


@given(st.integers(0, 2**40), st.sets(st.integers(0, offset_bitmap.MAX_BITS - 1), max_size=200))
def test_what_was_done_is_read_back(watermark: int, bits: set[int]) -> None:
    done = {watermark + bit for bit in bits}
    assert set(offset_bitmap.decode(watermark, offset_bitmap.encode(watermark, done))) == done


def test_what_is_out_of_reach_is_left_out_and_the_rest_fits_the_broker() -> None:
    metadata = offset_bitmap.encode(10, range(offset_bitmap.MAX_BITS + 100))
    assert len(metadata) <= offset_bitmap.MAX_METADATA
    assert set(offset_bitmap.decode(10, metadata)) == set(
        range(10, offset_bitmap.MAX_BITS + 10)
    ) & set(range(offset_bitmap.MAX_BITS + 100))


@pytest.mark.parametrize("metadata", ["", "written by another tool", "1:%%%", "1:é", "2:AAAA"])
def test_foreign_metadata_means_that_nothing_is_known(metadata: str) -> None:
    assert list(offset_bitmap.decode(4, metadata)) == []
