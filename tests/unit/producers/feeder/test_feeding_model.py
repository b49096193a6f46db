"""No row is lost and few are repeated, whatever the order of crashes, zombies and faults."""

from collections.abc import Callable

import pytest
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from seedcast.errors import AccessDenied, StoreUnavailable
from seedcast.producers.feeder.feeding import CHECKPOINT, Feeding
from seedcast.producers.feeder.postponements import RETRY
from seedcast.storage.staged_lists import read_rows
from tests.unit.producers.feeder.world import CHUNK, FollowedCursors, World, feed_all, small_chunks

NAMES = ("night", "day", "noon")
names, parts = st.sampled_from(NAMES), st.integers(0, 1)


class Feeders(RuleBasedStateMachine):
    """One active feeder, zombies of those before it, and everything that befalls them."""

    @initialize(sizes=st.lists(st.integers(1, 3 * CHUNK), min_size=2, max_size=2))
    def start(self, sizes: list[int]) -> None:
        self.world, self.zombies = World(), list[Feeding]()
        self.lists: dict[str, list[str]] = {}
        for name in NAMES:
            campaign = self.world.submit(name, *sizes)
            rows = read_rows(self.world.store, campaign)
            self.lists[name] = [row.request_id for row in rows]
        self.missing: dict[tuple[str, int], Callable[[], object]] = {}
        self.feeding = self.world.begin()

    @rule()
    def feed_a_chunk(self) -> None:
        self.feeding.turn()

    @rule()
    def write_cursors(self) -> None:
        self.world.now += CHECKPOINT
        self.feeding.checkpoint()

    @rule(stopped=st.booleans())
    def take_over(self, stopped: bool) -> None:
        """From a feeder that was killed, or that was stopped beyond its session."""
        self.zombies += [self.feeding] if stopped else []
        self.feeding = self.world.begin()

    @precondition(lambda self: self.zombies)
    @rule(turns=st.integers(0, 2))
    def wake_a_zombie(self, turns: int) -> None:
        """It feeds and writes cursors until it learns that it is not the active one any more."""
        zombie = self.zombies.pop()
        for _ in range(turns):
            zombie.turn()
        zombie.checkpoint()

    @rule(name=names, state=st.sampled_from(["sealed", "paused", "cancelled"]))
    def change_campaign(self, name: str, state: str) -> None:
        self.world.set_state(name, state)  # type: ignore[arg-type]

    @rule(name=names, part=parts)
    def lose_a_part(self, name: str, part: int) -> None:
        if (name, part) not in self.missing:
            self.missing[name, part] = self.world.break_part(name, part)

    @rule()
    def restore_parts(self) -> None:
        for restore in self.missing.values():
            restore()
        self.missing.clear()
        self.world.now += RETRY

    @rule()
    def interrupt_the_store(self) -> None:
        if not self.missing:  # the double's error waits for the next call
            self.world.store.fail(StoreUnavailable("reading a part"))
            self.feeding.turn()
            self.world.store._failures.clear()

    @rule(number=st.integers(0, 30))
    def refuse_a_request(self, number: int) -> None:
        denied, quoted = AccessDenied("producing"), b"request-%05d" % number
        self.world.broker.refuses = lambda sent: denied if quoted in (sent.value or b"") else None

    @rule()
    def take_every_request(self) -> None:
        self.world.broker.refuses = lambda _: None
        self.world.now += RETRY

    @invariant()
    def no_cursor_is_ahead_of_its_list(self) -> None:
        """What a cursor calls fed is on the topics: nobody would feed it again."""
        table = FollowedCursors(self.world.broker)
        table.poll()
        for name, cursor in table.records.items():
            unfed = {self.lists[name][index] for index in cursor.unfed}
            assert set(self.lists[name][: cursor.fed]) - unfed <= set(self.world.rows_of(name))

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.restore_parts()
        self.take_every_request()
        for name in NAMES:
            self.world.set_state(name, "sealed")
        for _ in range(2):  # an answer of the broker may come late
            feed_all(self.feeding)
            self.world.now += RETRY
        self.feeding.checkpoint()
        for name, ids in self.lists.items():
            assert set(self.world.rows_of(name)) == set(ids)
            cursor = self.world.cursor(name)
            assert (cursor.fed, cursor.unfed) == (len(ids), ())
            assert self.world.cursor(name).held is None


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    small_chunks(monkeypatch)


class TestFeeders(Feeders.TestCase):  # type: ignore[name-defined,misc]
    settings = examples(max_examples=100, stateful_step_count=30, deadline=None)
