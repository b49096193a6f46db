"""What cannot be fed is tried once per RETRY, whatever the broker says of other rows meanwhile."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from structlog.testing import capture_logs

from seedcast.errors import AccessDenied, Poison, SeedcastError, StoreUnavailable
from seedcast.kafka.memory_producer import Sent
from seedcast.producers.feeder.feeding import Feeding
from seedcast.producers.feeder.postponements import RETRY
from tests.unit.producers.feeder.world import LANES, World, feed_all, small_chunks

ROWS, TURN = 24, 0.25  # rows; seconds
TRIES = 6
IDS = [f"request-{n:05d}" for n in range(ROWS)]
ERRORS = {"poison": Poison, "denied": AccessDenied}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    small_chunks(monkeypatch)


def refuse(world: World, bad: dict[str, str]) -> None:
    """Let the broker refuse these requests. `bad`: for which kind of reason, by id."""

    def refuses(sent: Sent) -> SeedcastError | None:
        if sent.topic not in LANES:
            return None
        found = next((each for each in bad if each.encode() in (sent.value or b"")), None)
        return ERRORS[bad[found]](f"producing {found}") if found else None

    world.broker.refuses = refuses


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the lines of the log by their event."""
    events = Counter[str]()
    with capture_logs() as lines:
        yield events
    events.update(line["event"] for line in lines)


def run(world: World, feeding: Feeding) -> None:
    """Go on for as long as TRIES take."""
    for _ in range(round((TRIES - 1) * RETRY / TURN)):
        feeding.turn()
        world.now += TURN
    feeding.checkpoint()


def trickling(portion: int, **submitted: Any) -> World:
    """A list whose rows the broker answers a few at a time."""
    world = World()
    world.submit("night", *submitted.get("sizes", (ROWS,)))
    world.broker.portion = portion
    return world


@examples(max_examples=8, deadline=None)
@given(
    bad=st.dictionaries(st.sampled_from(IDS), st.sampled_from(sorted(ERRORS)), min_size=1),
    portion=st.integers(1, 8),
    at_once=st.booleans(),
)
def test_a_row_that_is_refused_is_sent_once_per_retry_and_the_list_held_once(
    bad: dict[str, str], portion: int, at_once: bool
) -> None:
    world = trickling(portion)
    world.broker.at_once = at_once
    refuse(world, bad)
    feeding = world.begin()
    with counted() as events:
        run(world, feeding)
    assert max(world.broker.sends.values()) <= TRIES
    assert all(world.broker.sends[each] <= 1 for each in set(IDS) - bad.keys())
    assert events["unavailable"] <= TRIES
    assert (events["list_held"], events["list_restored"]) in ((0, 0), (1, 0))
    assert not events["list_held"] or world.cursor("night").held
    refuse(world, {})
    with counted() as events:
        run(world, feeding)
    assert sorted(world.rows_of("night")) == IDS
    assert world.cursor("night").held is None
    assert feeding.finish()


def test_a_list_is_held_until_the_broker_takes_the_row_and_no_longer() -> None:
    world = trickling(1)
    refuse(world, {IDS[3]: "poison"})
    feeding = world.begin()
    with counted() as events:
        run(world, feeding)
        refuse(world, {})
        run(world, feeding)
    assert (events["list_held"], events["list_restored"]) == (1, 1)


def test_rows_that_were_read_do_not_restore_a_list_whose_next_part_is_missing() -> None:
    world = trickling(1, sizes=(6, 4))
    refuse(world, {IDS[2]: "denied"})
    restore = world.break_part("night", 1)
    feeding = world.begin()
    with counted() as events:
        run(world, feeding)
        world.broker.at_once = True
        for state in ("paused", "sealed"):  # rows before the missing part are read again
            world.set_state("night", state)  # type: ignore[arg-type]
            run(world, feeding)
    assert len(world.rows_of("night")) == 5
    assert (events["list_held"], events["list_restored"]) == (1, 0)
    restore()
    refuse(world, {})
    world.broker.portion = 0
    world.now += RETRY
    feeding.turn()
    feeding._checkpoints.write()
    assert world.cursor("night").held is None, "it is read again, whatever the broker says"


def test_rows_that_were_read_do_not_end_the_wait_for_a_store_that_is_away() -> None:
    world = trickling(1, sizes=(6, 4))
    feeding = world.begin()
    for _ in range(3):
        feeding.turn()
    world.store.fail(*[StoreUnavailable("reading a part")] * 1000)
    with counted() as events:
        run(world, feeding)
    assert len(world.rows_of("night")) == 6
    assert 2 <= events["unavailable"] <= TRIES
    world.store._failures.clear()
    world.now += RETRY
    world.broker.portion = None
    feed_all(feeding)
    assert len(world.rows_of("night")) == 10
