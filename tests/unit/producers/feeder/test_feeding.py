"""Which rows are fed, in which order, and what the cursors say."""

from collections import Counter
from collections.abc import Iterator

import pytest

from seedcast.errors import AccessDenied, Poison, StoreUnavailable, TopicMismatch
from seedcast.kafka.memory_producer import Sent
from seedcast.producers.feeder.feed import Feed
from seedcast.producers.feeder.feeding import CHECKPOINT
from seedcast.producers.feeder.postponements import RETRY
from seedcast.schemas.messages import Campaign, CampaignState, Cursor, FeederTerm
from seedcast.schemas.topics import CURSORS, REQUESTS, REQUESTS_URGENT
from seedcast.worker import STORE
from tests.unit.producers.feeder.world import CHUNK, SETTINGS, World, feed_all

OTHER = "fedcba9876543210"  # a staging


def test_a_small_campaign_does_not_wait_for_a_large_one(world: World) -> None:
    world.submit("zebra", 40)
    feeding = world.begin()
    feeding.turn()
    world.submit("ant", 3, 4)
    feed_all(feeding)
    names = world.campaigns_in_order
    assert names.index("ant") <= 2 * CHUNK
    last = max(n for n, name in enumerate(names) if name == "ant")
    assert last < 20, "they take turns until the small one is done"
    assert world.rows_of("ant") == [f"request-{n:05d}" for n in range(40, 47)]
    assert {name: world.cursor(name).fed for name in ("zebra", "ant")} == {"zebra": 40, "ant": 7}


def test_a_paused_campaign_is_passed_over_and_goes_on_where_it_was(world: World) -> None:
    world.submit("night", 6)
    feeding = world.begin()
    feeding.turn()
    world.set_state("night", "paused")
    world.submit("day", 3)
    feed_all(feeding)
    assert (len(world.rows_of("night")), len(world.rows_of("day"))) == (CHUNK, 3)
    world.set_state("night", "sealed")
    feed_all(feeding)
    assert world.rows_of("night") == [f"request-{n:05d}" for n in range(6)]


@pytest.mark.parametrize(
    ("state", "fed"), [("cancelled", 6), ("paused", 2), ("completed", 2), ("open", 2)]
)
def test_of_a_campaign_that_ends_early_only_a_cancelled_one_is_fed_to_its_end(
    world: World, state: CampaignState, fed: int
) -> None:
    """Each request that a cancelled campaign has left ends as cancelled: somebody must say so."""
    world.submit("night", 6)
    feeding = world.begin()
    feeding.turn()
    world.set_state("night", state)
    feed_all(feeding)
    assert len(world.rows_of("night")) == fed


def test_a_list_with_a_missing_part_is_held_and_the_others_go_on(world: World) -> None:
    world.submit("night", 4, 3)
    world.submit("day", 3)
    restore = world.break_part("night", 1)
    feeding = world.begin()
    feed_all(feeding)
    assert (len(world.rows_of("night")), len(world.rows_of("day"))) == (4, 3)
    cursor = world.cursor("night")
    assert cursor.fed == 4
    assert cursor.held
    assert world.part("night", 1) in cursor.held
    assert "restore the object" in cursor.held
    assert feeding.finish(), "a command that feeds what it can would never end"
    restore()
    feed_all(feeding)
    assert len(world.rows_of("night")) == 4, "it was read again at once"
    world.now += RETRY
    feed_all(feeding)
    assert world.rows_of("night") == [f"request-{n:05d}" for n in range(7)]
    assert (world.cursor("night").fed, world.cursor("night").held) == (7, None)


def test_a_cancelled_list_with_a_missing_part_is_held_until_the_part_is_restored(
    world: World,
) -> None:
    """Its requests end by their ids, and only the part has them."""
    world.submit("night", 4, 3)
    restore = world.break_part("night", 1)
    world.set_state("night", "cancelled")
    feeding = world.begin()
    feed_all(feeding)
    assert len(world.rows_of("night")) == 4
    assert world.part("night", 1) in str(world.cursor("night").held)
    restore()
    world.now += RETRY
    feed_all(feeding)
    assert len(world.rows_of("night")) == 7
    assert world.cursor("night").held is None


def test_an_altered_part_is_held_before_any_of_its_rows_is_fed(world: World) -> None:
    world.submit("night", 4)
    _, _, key = world.part("night", 0).removeprefix("s3://").partition("/")
    world.store.put(key, world.store.get(world.part("night", 0))[:-1] + b"!", "x")
    feed_all(world.begin())
    assert world.rows_of("night") == []
    assert "SHA-256" in str(world.cursor("night").held)


def test_a_part_that_is_altered_while_its_list_is_fed_is_held_and_the_others_go_on(
    world: World,
) -> None:
    world.submit("night", 4, 3)
    world.submit("day", 5)
    feeding = world.begin()
    feeding.turn()
    _, _, key = world.part("night", 1).removeprefix("s3://").partition("/")
    world.store.put(key, world.store.get(world.part("night", 1))[:-1] + b"!", "x")
    feed_all(feeding)
    assert (len(world.rows_of("night")), len(world.rows_of("day"))) == (4, 5)
    assert "SHA-256" in str(world.cursor("night").held)


def test_after_a_restart_a_restored_list_is_not_held_any_more(world: World) -> None:
    world.submit("night", 4, 2)
    restore = world.break_part("night", 1)
    feed_all(world.begin())
    restore()
    feed_all(world.begin())
    assert world.rows_of("night") == [f"request-{n:05d}" for n in range(6)]
    assert world.cursor("night").held is None


def test_an_unavailable_store_delays_one_list_and_ends_nothing(world: World) -> None:
    world.submit("night", 3)
    feeding = world.begin()
    world.readiness.meet(STORE)
    world.store.fail(StoreUnavailable("reading a part"))
    assert not feeding.turn()
    assert STORE in world.readiness.missing
    assert not feeding.turn()
    assert not feeding.finish(), "what waits for the store is not fed yet"
    world.now += RETRY
    feed_all(feeding)
    assert len(world.rows_of("night")) == 3
    assert world.readiness.missing == ()


def test_a_store_that_fails_between_two_parts_loses_and_repeats_nothing(world: World) -> None:
    world.submit("night", CHUNK, CHUNK, 1)
    feeding = world.begin()
    for _ in range(3):
        feeding.turn()
        world.store.fail(StoreUnavailable("reading a part"))
        feeding.turn()
        world.now += RETRY
    feed_all(feeding)
    assert world.rows_of("night") == [f"request-{n:05d}" for n in range(2 * CHUNK + 1)]


def test_of_many_lists_one_waits_for_a_store_that_is_away(world: World) -> None:
    """Each wait is as long as the store's time-outs, and the watchdog waits for them all."""
    names = [f"night-{n}" for n in range(20)]
    for name in names:
        world.submit(name, 3)
    feeding = world.begin()
    for calls in (1, 2):
        world.store.fail(*[StoreUnavailable("reading a part")] * 100)
        assert not feeding.turn()
        left = len(world.store._failures)
        assert 100 - left == 1, calls
        world.store._failures.clear()
        world.now += RETRY
    feed_all(feeding)
    assert [len(world.rows_of(name)) for name in names] == [3] * 20


def refused(sent: Sent) -> bool:
    return b"request-00001" in (sent.value or b"")


def test_only_the_rows_that_the_broker_refused_are_sent_again(world: World) -> None:
    """Else a right that is missing on one topic would flood the other with repeats."""
    world.submit("night", 4)
    denied = AccessDenied("producing to requests")
    world.broker.refuses = lambda sent: denied if refused(sent) else None
    feeding = world.begin()
    for _ in range(3):
        feed_all(feeding)
        world.now += RETRY
    assert world.rows_of("night") == [f"request-{n:05d}" for n in (0, 2, 3)]
    world.broker.refuses = lambda _: None
    feed_all(feeding)
    assert sorted(world.rows_of("night")) == [f"request-{n:05d}" for n in range(4)]
    assert world.cursor("night").fed == 4


def test_a_record_that_the_broker_will_never_take_holds_its_list_alone(world: World) -> None:
    world.submit("night", 4)
    world.submit("day", 2)
    poison = Poison(
        "producing to requests: the broker will never take this record", got="too large"
    )
    world.broker.refuses = lambda sent: poison if refused(sent) else None
    feed_all(world.begin())
    assert (len(world.rows_of("night")), len(world.rows_of("day"))) == (1, 2)
    assert world.cursor("night").held == str(poison)


def test_what_will_never_heal_ends_the_process(world: World) -> None:
    world.submit("night", 4)
    world.broker.refuses = lambda _: TopicMismatch("producing to requests: topic is missing")
    with pytest.raises(TopicMismatch):
        world.begin().turn()


def test_urgent_rows_go_to_their_own_topic(world: World) -> None:
    world.submit("night", 3)
    world.submit("alarm", 2, priority="urgent")
    feed_all(world.begin())
    assert world.broker.calls[SETTINGS.topic(REQUESTS)] == 3
    assert world.broker.calls[SETTINGS.topic(REQUESTS_URGENT)] == 2


@pytest.mark.parametrize(("spread", "partitions"), [(1, 1), (2, 2), (0, 8), (None, 8)])
def test_the_spread_is_that_of_the_record_or_the_setting(
    world: World, spread: int | None, partitions: int
) -> None:
    world.submit("night", 200, spread=spread)
    feed_all(world.begin())
    used = [
        {world.broker.partitions[f"request-{n:05d}"] for n in range(seed, 200, 4)}
        for seed in range(4)  # of numbered requests
    ]
    assert [len(each) for each in used] == [partitions] * 4


def test_a_crash_repeats_what_came_after_the_checkpoint_and_nothing_else(world: World) -> None:
    world.submit("night", 14)
    feeding = world.begin()
    feeding.turn()  # writes the first checkpoint
    feeding.turn()
    world.now += CHECKPOINT
    feeding.turn()  # writes the second
    written = world.cursor("night")
    feeding.turn()
    feeding.turn()
    sent = set(world.broker.partitions)
    feed_all(world.begin())
    after = Counter(world.rows_of("night"))
    assert set(after) == {f"request-{n:05d}" for n in range(14)}
    repeated = {request_id for request_id, times in after.items() if times > 1}
    later = {*range(written.fed, 14), *written.unfed}
    assert repeated == sent & {f"request-{n:05d}" for n in later}
    assert repeated


def test_rows_in_doubt_when_the_term_ends_are_fed_by_the_next_feeder(world: World) -> None:
    world.submit("night", 4)
    feeding = world.begin()
    world.broker.answers = False
    feeding.turn()
    world.broker.answers = True
    feeding.checkpoint()
    assert world.rows_of("night") == []
    feed_all(world.begin())
    assert set(world.rows_of("night")) == {f"request-{n:05d}" for n in range(4)}


def cursor(**changes: object) -> Cursor:
    fields = {"campaign_id": "night", "staging": OTHER, "fed": 4, "generation": 1}
    return Cursor(**(fields | changes))  # type: ignore[arg-type]


def test_a_cursor_of_another_staging_says_nothing_about_this_list(world: World) -> None:
    world.write(cursor())
    world.submit("night", 4)
    world.generation = 1
    feed_all(world.begin())
    assert len(world.rows_of("night")) == 4
    assert (world.cursor("night").staging, world.cursor("night").generation) != (OTHER, 1)


def test_the_late_checkpoint_of_a_zombie_is_ignored_and_written_over(world: World) -> None:
    """Compaction keeps only the latest record of a key, so the right one has to be it."""
    campaign = world.submit("night", 6)
    assert campaign.staged
    world.begin().turn()  # and writes that two rows are fed
    feeding = world.begin()
    feed_all(feeding)
    world.write(cursor(staging=campaign.staged.staging, fed=4, generation=1))
    world.now += CHECKPOINT
    feed_all(feeding)
    last = [s for s in world.broker.on(SETTINGS.topic(CURSORS)) if s.key == b"night"][-1]
    world.broker.acknowledged = [last]  # what compaction leaves
    assert (world.cursor("night").generation, world.cursor("night").fed) == (2, 6)


def test_a_cursor_that_moves_meanwhile_is_not_moved_back(world: World) -> None:
    campaign = world.submit("night", 4)
    assert campaign.staged
    world.begin()
    feeding = world.begin()
    feeding.turn()
    world.write(cursor(staging=campaign.staged.staging, fed=2, generation=1))
    feeding.turn()  # reads that, and feeds the rest
    feeding.checkpoint()
    assert world.cursor("night").fed == 4


def test_a_feeder_that_was_superseded_feeds_nothing_and_writes_nothing_over(world: World) -> None:
    campaign = world.submit("night", 4)
    assert campaign.staged
    feeding = world.begin()
    feeding.turn()
    world.write(FeederTerm(generation=2, feeder="the next"))
    for generation in (2, 1):
        world.write(cursor(staging=campaign.staged.staging, fed=4, generation=generation))
    written = world.broker.calls[SETTINGS.topic(CURSORS)]
    assert not feeding.turn()
    feeding.checkpoint()
    assert feeding.is_over
    assert len(world.rows_of("night")) == CHUNK
    assert world.broker.calls[SETTINGS.topic(CURSORS)] == written


class Untouchable(dict[str, Campaign]):
    """Campaigns that can be looked up, but not gone through."""

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a turn looks at every campaign")

    values = items = keys = __iter__  # type: ignore[assignment]


def test_a_turn_does_not_look_at_every_campaign(world: World) -> None:
    world.submit("night", 5)
    feeding = world.begin()
    world.campaigns.records = Untouchable(world.campaigns.records)
    feed_all(feeding)
    world.set_state("night", "paused")
    feed_all(feeding)
    assert len(world.rows_of("night")) == 5


def test_nothing_is_written_while_there_is_nothing_to_do(world: World) -> None:
    for number in range(50):
        world.submit(f"night-{number}", 1)
    feed_all(world.begin())
    feeding = world.begin()  # a restart among finished campaigns
    written = world.broker.calls[SETTINGS.topic(CURSORS)]
    for _ in range(5):
        assert not feeding.turn()
        world.now += CHECKPOINT
    assert world.broker.calls[SETTINGS.topic(CURSORS)] == written
    assert feeding.finish()


def test_a_held_list_is_written_once_and_not_with_each_look(world: World) -> None:
    world.submit("night", 2)
    world.break_part("night", 0)
    feeding = world.begin()
    for _ in range(4):
        feed_all(feeding)
        world.now += RETRY
    written = [sent for sent in world.broker.on(SETTINGS.topic(CURSORS)) if sent.key == b"night"]
    assert len(written) == 1


def test_a_list_that_is_fed_or_paused_keeps_no_part_in_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds: list[Feed] = []
    monkeypatch.setattr(
        "seedcast.producers.feeder.lists.Feed",
        lambda *arguments: feeds.append(Feed(*arguments)) or feeds[-1],
    )
    world.submit("night", 2 * CHUNK)
    world.submit("day", 2 * CHUNK)
    feeding = world.begin()
    feeding.turn()
    night, day = feeds
    assert night.flow
    world.set_state("night", "paused")
    feed_all(feeding)
    assert (night.flow, day.flow) == (None, None)


def test_a_list_that_is_removed_from_the_topic_is_forgotten(world: World) -> None:
    world.submit("night", 4)
    feeding = world.begin()
    feeding.turn()
    world.campaigns.remove("night")
    feed_all(feeding)
    assert len(world.rows_of("night")) == CHUNK
    assert feeding.finish()
