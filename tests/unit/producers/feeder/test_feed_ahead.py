"""How much is fed before it is spoken, and what a feeder does while rows wait for their time."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from seedcast.producers.feeder.feeding import CHECKPOINT, UNDER_WAY, Feeding
from seedcast.producers.feeder.policy.depth import IDLE_ROWS
from seedcast.producers.feeder.postponements import RETRY
from seedcast.schemas.topics import CAMPAIGNS
from tests.unit.producers.feeder.world import CHUNK, SETTINGS, World, feed_all

AHEAD = 2.0  # seconds
PARTITIONS = 8
SLOTS = 32
# Rows that the slots need, on each partition. What ends without audio adds nothing to it.
MOST = PARTITIONS * SLOTS * 1.5 / PARTITIONS


@pytest.fixture
def world(world: World) -> World:
    world.fleet.slots = SLOTS
    return world


def run(world: World, feeding: Feeding, seconds: float, **answers: object) -> None:
    """Let the feeder and the workers go on in turns."""
    for _ in range(round(seconds / 0.1)):
        feed_all(feeding)
        world.answer(**answers)  # type: ignore[arg-type]
        world.now += 0.1
    feed_all(feeding)


def test_no_more_is_fed_than_the_slots_need_until_results_come(world: World) -> None:
    world.submit("night", 1000, spread=0)
    feeding = world.begin(AHEAD)
    for _ in range(30):
        feed_all(feeding)
        world.now += CHECKPOINT
        assert world.unanswered <= MOST
        world.answer()
    assert feeding.finish()
    assert Counter(world.rows_of("night")).most_common(1)[0][1] == 1
    assert len(world.rows_of("night")) == 1000


def test_without_workers_a_few_are_fed_and_all_once_they_are_back(world: World) -> None:
    world.submit("night", 1000, spread=0)
    world.fleet.slots = 0
    feeding = world.begin(AHEAD)
    feed_all(feeding)
    assert world.unanswered == PARTITIONS * IDLE_ROWS
    world.fleet.slots = SLOTS
    run(world, feeding, 10)
    assert len(world.rows_of("night")) == 1000
    world.submit("day", 1000, spread=0)
    world.fleet.slots = 0
    feed_all(feeding)
    assert len(world.rows_of("day")) == PARTITIONS * IDLE_ROWS


def test_what_has_ended_leaves_nothing_in_memory(world: World) -> None:
    world.submit("night", 500, spread=0)
    feeding = world.begin(AHEAD)
    run(world, feeding, 10)
    outcomes = feeding._outcomes
    assert (len(outcomes.depth), outcomes._waiting, outcomes._lost._rows) == (0, {}, {})


def test_a_partition_that_hangs_stops_no_list_and_no_other_partition(world: World) -> None:
    """Its rows wait in memory; the cursor names them."""
    for name in ("night", "day"):
        world.submit(name, 600, spread=0)
    feeding = world.begin(AHEAD)
    run(world, feeding, 10, hung=[3])
    on_partitions = Counter(world.broker.partitions.values())
    assert on_partitions[3] <= MOST / PARTITIONS
    for name in ("night", "day"):
        cursor = world.cursor(name)
        assert cursor.fed == 600, "all is read"
        assert cursor.fed - len(cursor.unfed) == len(world.rows_of(name)) > 480
    assert feeding.is_busy


def test_a_small_campaign_of_another_tenant_is_done_long_before_a_large_one(world: World) -> None:
    world.submit("night", 1000, spread=0)
    feeding = world.begin(AHEAD)
    run(world, feeding, 0.2)
    before = len(world.rows_of("night"))
    small = world.submit("day", 40, spread=0)
    world.campaigns.put(replace(small, tenant="other"))
    run(world, feeding, 1)
    assert len(world.rows_of("day")) == 40
    names = world.campaigns_in_order
    last = max(n for n, name in enumerate(names) if name == "day")
    assert last - before <= 2 * 40 + 2 * PARTITIONS, "they take turns"


def fed_by(world: World, feeding: Feeding, name: str, rows: int = 400) -> float:
    """Return a campaign's part of the next rows that are fed."""
    since = len(world.campaigns_in_order)
    while len(world.campaigns_in_order) < since + rows:
        run(world, feeding, 0.1)
    return world.campaigns_in_order[since : since + rows].count(name) / rows


def test_a_campaign_without_slack_gains_on_the_other_of_its_tenant(world: World) -> None:
    for name in ("night", "day"):
        world.submit(name, 1000, spread=0)
    set_terms(world, "night", deadline=datetime.fromtimestamp(world.now + 60, UTC))
    assert fed_by(world, world.begin(AHEAD), "night") > 3 / 4


def test_tenants_share_equally_whatever_the_number_of_their_campaigns(world: World) -> None:
    for name in ("night", "day", "noon"):
        world.submit(name, 1000, spread=0)
    set_terms(world, "noon", tenant="other")
    assert fed_by(world, world.begin(AHEAD), "noon") == pytest.approx(1 / 2, abs=0.05)


def test_campaigns_of_a_tenant_share_by_the_weights_that_hold_now(world: World) -> None:
    for name in ("night", "day"):
        world.submit(name, 1500, spread=0)
    set_terms(world, "night", weight=4.0)
    feeding = world.begin(AHEAD)
    assert fed_by(world, feeding, "night") == pytest.approx(4 / 5, abs=0.05)
    set_terms(world, "night", weight=1.0)
    assert fed_by(world, feeding, "night") == pytest.approx(1 / 2, abs=0.05)


def test_nothing_of_a_paused_campaign_is_fed_even_if_rows_wait_for_room(world: World) -> None:
    world.submit("night", 500, spread=0)
    feeding = world.begin(AHEAD)
    run(world, feeding, 0.2)
    world.set_state("night", "paused")
    fed = len(world.rows_of("night"))
    run(world, feeding, 5)
    assert len(world.rows_of("night")) == fed < 500
    assert not feeding.is_busy
    world.set_state("night", "sealed")
    run(world, feeding, 10)
    assert Counter(world.rows_of("night")) == Counter(f"request-{n:05d}" for n in range(500))


def test_rows_under_way_when_a_campaign_is_paused_and_resumed_are_fed_once(world: World) -> None:
    world.submit("night", 20)
    feeding = world.begin(AHEAD)
    world.broker.answers = False
    feeding.turn()
    for state in ("paused", "sealed"):
        world.set_state("night", state)  # type: ignore[arg-type]
        feeding.turn()
    world.broker.answers = True
    run(world, feeding, 2)
    assert sorted(world.rows_of("night")) == [f"request-{n:05d}" for n in range(20)]


def set_terms(world: World, name: str, **changes: object) -> None:
    world.campaigns.put(replace(world.campaigns.records[name], **changes))


def test_a_cancelled_campaign_waits_for_no_rate_start_or_window(world: World) -> None:
    world.submit("night", 100, spread=0)
    later = datetime(2100, 1, 1, tzinfo=UTC)
    set_terms(world, "night", rate=1 / 60, start_at=later, window="20:00-06:00", zone="UTC")
    feeding = world.begin(AHEAD)
    run(world, feeding, 2)
    assert world.rows_of("night") == []
    world.set_state("night", "cancelled")
    run(world, feeding, 2)
    assert len(world.rows_of("night")) == 100


def test_a_cancelled_campaign_ends_at_the_speed_at_which_workers_end_it(world: World) -> None:
    """Predicted as if it were spoken, only the slots' rows would be ahead: 48 in each tenth."""
    world.submit("night", 4000, spread=0)
    world.set_state("night", "cancelled")
    feeding = world.begin(AHEAD)
    run(world, feeding, 5)
    assert len(world.rows_of("night")) == 4000
    rate = feeding._outcomes.depth.per_second(world.now)
    assert rate < 4000 * 0.03 / 5, "what it says of the fleet's rate is hardly anything"


@pytest.mark.parametrize(
    "terms",
    [
        {"window": "25:00-06:00"},
        {"window": "20:00-20:00", "zone": "UTC"},  # never opens
        {"window": "20:00-06:00", "zone": "Mars/Olympus"},
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_list_with_a_window_that_cannot_be_read_is_held_and_the_others_go_on(
    world: World, terms: dict[str, str], late: bool
) -> None:
    for name in ("night", "day"):
        world.submit(name, 200, spread=0)
    if not late:
        set_terms(world, "night", **terms)
    feeding = world.begin(AHEAD)
    run(world, feeding, 0.1)
    set_terms(world, "night", **terms)
    fed = len(world.rows_of("night"))
    run(world, feeding, 20)
    assert (len(world.rows_of("night")), len(world.rows_of("day"))) == (fed, 200)
    assert (fed > 0) == late
    held = str(world.cursor("night").held)
    assert "expected" in held
    assert next(iter(terms.values()))[:2] in held or "Mars/Olympus" in held
    assert feeding.finish()
    set_terms(world, "night", window=None, zone=None)
    world.now += RETRY
    run(world, feeding, 5)
    assert Counter(world.rows_of("night")) == Counter(f"request-{n:05d}" for n in range(200))
    assert world.cursor("night").held is None


def test_a_list_that_waits_for_its_start_keeps_no_feeder_busy(world: World) -> None:
    world.submit("night", 10)
    set_terms(world, "night", start_at=datetime.fromtimestamp(world.now + 60, UTC))
    feeding = world.begin(AHEAD)
    run(world, feeding, 50)
    assert not feeding.is_busy
    assert feeding.finish(), "a command that feeds what it can would wait for tomorrow"
    assert world.rows_of("night") == []
    run(world, feeding, 20)
    assert len(world.rows_of("night")) == 10


def test_a_start_in_the_past_is_at_once(world: World) -> None:
    world.submit("night", 10)
    set_terms(world, "night", start_at=datetime(1970, 1, 1, tzinfo=UTC))
    feeding = world.begin(AHEAD)
    feed_all(feeding)
    assert len(world.rows_of("night")) == 10


def test_a_rate_under_one_a_minute_feeds_one_at_a_time(world: World) -> None:
    world.submit("night", 10, spread=0)
    set_terms(world, "night", rate=1 / 120)
    feeding, fed_at = world.begin(AHEAD), []
    for _ in range(25):
        feed_all(feeding)
        fed_at += [world.now] * (len(world.rows_of("night")) - len(fed_at))
        world.answer()
        world.now += 20.0
    assert fed_at == [1000.0, 1120.0, 1240.0, 1360.0, 1480.0]


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps_stops_no_list(world: World, jump: float) -> None:
    world.now = 1_800_000_000.0
    world.submit("night", 1000, spread=0)
    set_terms(world, "night", rate=1000.0)
    feeding = world.begin(AHEAD)
    run(world, feeding, 0.2)
    feeding._now, feeding._outcomes._now = (lambda: world.now + jump,) * 2
    run(world, feeding, 5)
    assert len(world.rows_of("night")) == 1000


def test_rows_that_an_earlier_feeder_has_fed_after_its_last_checkpoint_are_passed_over(
    world: World,
) -> None:
    world.submit("night", 10)
    feeding = world.begin(AHEAD)
    feeding._outcomes._found |= {"request-00003", "request-00009"}
    run(world, feeding, 1)
    fed = {f"request-{n:05d}" for n in range(10)} - {"request-00003", "request-00009"}
    assert set(world.rows_of("night")) == fed
    assert (world.cursor("night").fed, world.cursor("night").unfed) == (10, ())
    assert feeding.finish()
    assert not feeding._outcomes._found, "each is passed over once"
    assert len(feeding._outcomes.depth) == 0, "no place waits for a result that has come"


def test_only_so_many_rows_are_under_way_while_the_broker_does_not_answer(world: World) -> None:
    """Each of them is in the cursor, and in the producer's queue, which must never be full."""
    world.submit("night", 10 * UNDER_WAY * CHUNK, spread=0)
    feeding = world.begin()
    world.broker.answers = False
    for _ in range(3 * UNDER_WAY):
        feeding.turn()
    assert len(world.broker.outstanding) == UNDER_WAY * CHUNK
    assert feeding.is_busy
    world.broker.answers = True
    feed_all(feeding)
    feed_all(feeding)
    assert len(set(world.rows_of("night"))) == 10 * UNDER_WAY * CHUNK


def test_the_end_of_a_term_writes_cursors_and_waits_for_nothing_else(world: World) -> None:
    world.submit("night", 4)
    feeding = world.begin()
    feeding.turn()
    feeding._term.campaigns.disputed.add("night")
    feeding.end()
    assert world.cursor("night").fed - len(world.cursor("night").unfed) == CHUNK
    assert not list(world.broker.on(SETTINGS.topic(CAMPAIGNS)))
