"""How many rows of each list are spoken and have no result yet, as cursors tell it."""

import pytest

from seedcast.kafka import Partition
from seedcast.producers.feeder.rendering import PAUSE, SHARE, Rendering
from seedcast.schemas.topics import AUDIO, CURSORS
from seedcast.storage.audit.committed import CommittedOffsets
from tests.unit.producers.feeder.world import SETTINGS, World, feed_all


@pytest.fixture
def world(world: World) -> World:
    world.fleet.slots = 32
    return world


def test_cursors_say_how_much_is_spoken_also_of_a_list_that_is_fed(world: World) -> None:
    world.submit("night", 6)
    feeding = world.begin(60.0)
    feed_all(feeding)
    assert (world.cursor("night").fed, world.cursor("night").rendering) == (6, 0)
    world.commit(len(world.broker.acknowledged))
    world.submit("day", 2)
    feed_all(feeding)
    assert world.cursor("night").rendering == 0, "the last look was a moment ago"
    world.now += PAUSE
    feed_all(feeding)  # the look
    feed_all(feeding)  # the checkpoint that tells of it
    assert (world.cursor("night").rendering, world.cursor("day").rendering) == (6, 0)
    written = len(list(world.broker.on(SETTINGS.topic(CURSORS))))
    world.answer()
    world.now += PAUSE
    feed_all(feeding)
    feed_all(feeding)
    assert world.cursor("night").rendering == 0
    assert len(list(world.broker.on(SETTINGS.topic(CURSORS)))) == written + 1


def test_the_next_feeder_tells_of_what_the_one_before_has_fed(world: World) -> None:
    world.submit("night", 3)
    feed_all(world.begin(60.0))
    later = world.begin(60.0)
    later._checkpoints.render({"night": 2, "unknown": 1})
    later.checkpoint()
    cursor = world.cursor("night")
    assert (cursor.fed, cursor.rendering, cursor.generation) == (3, 2, 2)


def test_rows_found_as_audio_are_spoken_and_without_rows_nobody_is_asked() -> None:
    clock, asked = iter([0.0, PAUSE, PAUSE, 2 * PAUSE, 2 * PAUSE]), list[bool]()

    def committed() -> CommittedOffsets:
        asked.append(True)
        return CommittedOffsets({})

    rendering = Rendering(SETTINGS, lambda: next(clock), committed)
    assert rendering.look([]) == {}
    assert not asked
    found = Partition(SETTINGS.topic(AUDIO), 0)
    rows = [("night", found, 9), ("night", Partition("requests", 0), 0)]
    assert rendering.look(rows) == {"night": 1}


def test_a_look_that_takes_long_is_seldom() -> None:
    now = [0.0]

    def committed() -> CommittedOffsets:
        now[0] += 1.0
        return CommittedOffsets({})

    rendering = Rendering(SETTINGS, lambda: now[0], committed)
    rows = [("night", Partition("requests", 0), 0)]
    now[0] = PAUSE
    assert rendering.look(rows) is not None
    now[0] += SHARE - 1.0
    assert rendering.look(rows) is None
    now[0] += 1.0
    assert rendering.look(rows) is not None
