"""The matrix can go red: the same night passes with the workers as they are, and fails with one whose protocol is broken on purpose."""

import pytest

from gpu_consumers.audio_backlog import untaken
from seedcast.failpoints import VARIABLE
from seedcast.kafka import Admin
from tests.conftest import eventually
from tests.crash.night import GROUPS, SOURCES, Night

pytestmark = [pytest.mark.integration, pytest.mark.slow]

REQUESTS = 60
HELD_BACK = {
    "SEEDCAST_KAFKA_OPTIONS": '{"linger.ms": "60000"}',
    "SEEDCAST_GPU_COMMIT_INTERVAL": "0.01",
}  # audio waits in the producer, and commits do not


def taken_over(night: Night, *broken: str) -> None:
    """Killed when all but its oldest request is done; its successor must know which."""
    night.submit(REQUESTS)
    first = night.gpu("held_slot")
    night.comes_to("gpu-consumer", REQUESTS - 1)
    night.kill(first)
    night.gpu(*broken)
    night.post()
    night.reaches(REQUESTS)


def cut_short(night: Night, *broken: str) -> None:
    """Killed while audio waits in its producer."""
    night.submit(REQUESTS)
    night.died(night.gpu(*broken, **HELD_BACK, **{VARIABLE: "gpu.sent:30"}))
    night.gpu()
    night.post()


def held_up(night: Night, *broken: str) -> None:
    """Killed while one object waits to be stored; with two instances all that came behind it is done by then."""
    night.submit(REQUESTS)
    night.gpu()
    night.comes_to("gpu-consumer", REQUESTS)
    first = night.post(
        "held_object", *broken, SEEDCAST_POSTPROCESS_BATCH="4"
    )  # it holds a part of one partition
    first.says("held")
    if broken:
        night.comes_to("postprocess", REQUESTS)
    night.kill(first)
    night.post()


def left_open(night: Night, *broken: str) -> None:
    """Killed with the whole list in front of it: only what it had sent may come again."""
    night.submit(REQUESTS)
    night.died(night.gpu(**{VARIABLE: "gpu.acknowledged:5"}))
    night.gpu(*broken)
    night.post()
    night.reaches(REQUESTS)


NIGHTS = {
    "no_bitmap": (taken_over, "was spoken 2 times, expected at most 1"),
    "commit_first": (
        cut_short,
        "a request whose offset is committed has neither audio nor a result",
    ),
    "twice": (left_open, r"was spoken \d times, expected at most \d"),
    "concurrency_2": (held_up, "a request whose audio's offset is committed has no result"),
}


def taken(night: Night) -> bool:
    """Whether there is nothing left to read in either stage: no request, and then no audio."""
    admin = Admin(night.seen)
    return not any(
        untaken(admin, night.seen.group(group), night.seen.topic(SOURCES[kind]), 0).records
        for kind, group in GROUPS.items()
    )


@pytest.mark.parametrize("mutation", NIGHTS)
def test_the_night_passes_with_sound_workers(night: Night, mutation: str) -> None:
    play, _ = NIGHTS[mutation]
    play(night)
    night.completes(REQUESTS)
    night.holds(REQUESTS)


@pytest.mark.parametrize("mutation", NIGHTS)
def test_the_night_goes_red_with_a_broken_worker(night: Night, mutation: str) -> None:
    play, said = NIGHTS[mutation]
    play(night, mutation)
    eventually(lambda: taken(night), what="nothing left to read")
    with pytest.raises(AssertionError, match=said):
        night.holds(REQUESTS)
