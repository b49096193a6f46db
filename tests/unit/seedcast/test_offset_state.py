"""State beside a committed offset is believed where it was written, and nowhere else."""

import pytest
from confluent_kafka import OFFSET_INVALID, TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from seedcast.kafka import Committed
from seedcast.kafka.log_ids import LogId
from seedcast.kafka.offset_state import MAX_METADATA, MAX_STATE, Place, split, stamp
from seedcast.kafka.start_offsets import as_committed

HERE = LogId("cluster-a", "topic-a")
STATE = "1:BA=="  # a bitmap


def found(offset: int, metadata: str, partition: int = 3) -> TopicPartition:
    return TopicPartition("requests", partition, offset, metadata)


places = st.builds(Place, st.integers(0, 2**62), st.integers(0, 2**31), st.text(), st.text())


@given(places, st.text(min_size=1, max_size=200))
def test_state_and_place_are_read_back(place: Place, state: str) -> None:
    metadata = stamp(state, place)
    assert split(metadata) == (place, state) or len(metadata) == 0


@given(st.text(max_size=60) | st.text(max_size=60).map("2:".__add__))
def test_any_metadata_can_be_split(metadata: str) -> None:
    place, state = split(metadata)
    assert place or not state


def test_the_largest_state_fits_the_broker_with_its_stamp() -> None:
    place = Place(2**62, 99_999, "lkc-" + "c" * 60, "t" * 22)
    assert MAX_STATE < len(stamp("s" * MAX_STATE, place)) <= MAX_METADATA


def test_a_state_that_does_not_fit_is_left_out_so_that_the_offset_can_be_committed() -> None:
    assert stamp("s" * MAX_METADATA, HERE.place(3, 8)) == stamp("", HERE.place(3, 8)) == ""


def test_a_state_beside_its_own_offset_is_believed() -> None:
    metadata = stamp(STATE, HERE.place(3, 8))
    with capture_logs() as logs:
        assert as_committed(found(8, metadata), HERE, 0) == Committed(8, STATE, 0)
    assert logs == []


@pytest.mark.parametrize(
    "metadata",
    [
        stamp(STATE, HERE.place(3, 8)),  # copied beside a translated offset
        stamp(STATE, HERE.place(2, 7)),
        stamp(STATE, LogId("cluster-b", "topic-a").place(3, 7)),
        stamp(STATE, LogId("cluster-a", "topic-b").place(3, 7)),  # deleted and created again
        STATE,  # of the version before, which has no stamp
        "written by another tool",
        "2:[7,3]\n" + STATE,
        "2:",
    ],
)
def test_a_state_that_belongs_elsewhere_is_ignored_and_said_and_written_over(
    metadata: str,
) -> None:
    with capture_logs() as logs:
        committed = as_committed(found(7, metadata), HERE, 0)
    assert (committed.start, committed.metadata, committed.checkpoint) == (7, "", None)
    assert [entry["event"] for entry in logs] == ["offset_state_ignored"]
    assert STATE not in str(logs)


def test_an_offset_without_state_needs_no_further_commit() -> None:
    with capture_logs() as logs:
        assert as_committed(found(7, ""), None, 0).checkpoint == (7, "")
        assert as_committed(found(OFFSET_INVALID, ""), None, 0) == Committed(None, "", 0)
    assert logs == []
