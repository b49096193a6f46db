"""The ledger: whatever the order of events, it commits nothing unfinished.

It also forgets nothing finished.
"""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seedcast.gpu_consumers.ledger import MAX_BITS, Ledger
from seedcast.kafka.offset_state import MAX_STATE


def test_watermark_stops_at_the_oldest_unfinished_offset() -> None:
    ledger = Ledger(10)
    for offset in (10, 11, 12):
        assert ledger.take(offset)
    ledger.finish(12)
    assert (ledger.watermark, ledger.span) == (10, 3)
    ledger.finish(10)
    assert ledger.watermark == 11


def test_a_new_owner_skips_offsets_that_the_bitmap_marks_as_done() -> None:
    old = Ledger(5)
    for offset in range(5, 10):
        old.take(offset)
    for offset in (6, 9):
        old.finish(offset)
    new = Ledger(*old.checkpoint())
    assert [offset for offset in range(5, 10) if new.take(offset)] == [5, 7, 8]


def test_offsets_that_do_not_exist_do_not_hold_the_watermark() -> None:
    ledger = Ledger(0)
    ledger.take(0)
    ledger.take(7)  # 1 to 6 were compacted away or belong to a transaction
    ledger.finish(0)
    assert ledger.watermark == 7


def test_an_offset_that_was_taken_before_is_refused() -> None:
    ledger = Ledger(3)
    ledger.take(3)
    with pytest.raises(ValueError, match="already taken"):
        ledger.take(3)


def test_finishing_twice_is_refused() -> None:
    ledger = Ledger(0)
    ledger.take(0)
    ledger.finish(0)
    with pytest.raises(KeyError):
        ledger.finish(0)


@pytest.mark.parametrize("metadata", ["", "written by another tool", "1:%%%", "2:AAAA"])
def test_with_foreign_metadata_no_offset_counts_as_done(metadata: str) -> None:
    assert Ledger(4, metadata).take(4)


def test_metadata_fits_the_broker_when_the_window_is_full() -> None:
    ledger = Ledger(0)
    for offset in range(MAX_BITS + 100):
        ledger.take(offset)
    for offset in range(1, MAX_BITS + 100):
        ledger.finish(offset)
    watermark, metadata = ledger.checkpoint()
    assert (watermark, len(metadata) <= MAX_STATE) == (0, True)
    assert not Ledger(watermark, metadata).take(MAX_BITS - 1)


@given(st.integers(0, 2**40), st.text(max_size=50))
def test_any_metadata_is_accepted_without_an_error(watermark: int, metadata: str) -> None:
    assert Ledger(watermark, metadata).watermark == watermark


def exists(offset: int) -> bool:
    """Return True if the log has this offset: compaction and transactions leave such holes."""
    return offset % 5 not in (2, 3)


class Owners(RuleBasedStateMachine):
    """A log with one owner after another, each of which may crash, or hand over with a commit.

    The model is what the outside world sees: the offsets whose audio is acknowledged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.acknowledged: set[int] = set()
        self.known_at_commit: set[int] = set()
        self.committed: tuple[int, str] = (0, "")
        self.take_over()

    def take_over(self) -> None:
        self.ledger = Ledger(*self.committed)
        self.next_offset = self.committed[0]
        self.in_flight: set[int] = set()
        self.known = set(self.known_at_commit)  # a crash loses what came after the last commit

    @rule()
    def take(self) -> None:
        offset = next(o for o in itertools.count(self.next_offset) if exists(o))
        self.next_offset = offset + 1
        if self.ledger.take(offset):
            assert offset not in self.known, "finished work was forgotten"
            self.in_flight.add(offset)
        else:
            assert offset in self.acknowledged, "unfinished work was skipped"

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from(sorted(self.in_flight)))
        self.in_flight.discard(offset)
        self.acknowledged.add(offset)
        self.known.add(offset)
        self.ledger.finish(offset)

    @rule()
    def commit(self) -> None:
        self.committed = self.ledger.checkpoint()
        self.known_at_commit = set(self.known)

    @rule()
    def crash(self) -> None:
        self.take_over()

    @rule()
    def hand_over(self) -> None:
        self.commit()
        self.take_over()

    @invariant()
    def nothing_unfinished_is_below_the_watermark(self) -> None:
        for watermark in (self.ledger.watermark, self.committed[0]):
            assert {offset for offset in range(watermark) if exists(offset)} <= self.acknowledged


TestOwners = Owners.TestCase
