"""Metadata of a committed offset is read back as written; foreign metadata is ignored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.kafka import offset_bitmap
from seedcast.kafka.offset_state import MAX_STATE


@given(st.integers(0, 2**40), st.sets(st.integers(0, offset_bitmap.MAX_BITS - 1), max_size=200))
def test_done_offsets_are_read_back(watermark: int, bits: set[int]) -> None:
    done = {watermark + bit for bit in bits}
    assert set(offset_bitmap.decode(watermark, offset_bitmap.encode(watermark, done))) == done


def test_offsets_beyond_the_bitmap_are_left_out_and_the_rest_fits_the_broker() -> None:
    metadata = offset_bitmap.encode(10, range(offset_bitmap.MAX_BITS + 100))
    assert len(metadata) <= MAX_STATE
    assert set(offset_bitmap.decode(10, metadata)) == set(
        range(10, offset_bitmap.MAX_BITS + 10)
    ) & set(range(offset_bitmap.MAX_BITS + 100))


@pytest.mark.parametrize("metadata", ["", "written by another tool", "1:%%%", "1:é", "2:AAAA"])
def test_foreign_metadata_is_ignored(metadata: str) -> None:
    assert list(offset_bitmap.decode(4, metadata)) == []
