"""kill -9 at every edge between reading a record and committing its offset, one worker after another in the same night, in both stages at once."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from seedcast.failpoints import VARIABLE
from tests.crash.night import GROUPS, Night, Worker

pytestmark = pytest.mark.integration

REQUESTS = 300
PACED = 400  # requests before a paced engine: more than it speaks before the last fault, on a busy machine
SOON = 15  # the most requests that are finished before the next fault
PASSAGES = 40  # the last passage at which to die: all victims together leave something to do
RARE = {
    "gpu.assigned": 1,
    "gpu.commit": 2,
    "gpu.committed": 2,
}  # the same for what is not passed by each request


def passages(chance: random.Random, edges: tuple[str, ...]) -> list[str]:
    """Where each victim dies, as its variable says it."""
    return [f"{edge}:{chance.randint(1, RARE.get(edge, PASSAGES))}" for edge in edges]


def victims(night: Night, kind: str, ends: list[str]) -> Worker:
    """One after another dies where it has to; returns the one after them, at work."""
    heir = night.start(kind, **{VARIABLE: ends[0]})
    for end, following in zip(ends, [*ends[1:], ""], strict=True):
        night.died(heir)
        with night.recovery(f"killed at {end}", kind) as heirs:
            heir = night.start(kind, **{VARIABLE: following})
            heirs.append(heir)
    heir.says('"assigned"')
    return heir


@pytest.mark.parametrize(
    ("gpu", "post"),
    [
        (
            ("gpu.polled", "gpu.synthesised", "gpu.sent"),
            ("postprocess.rendered", "postprocess.stored"),
        ),
        (
            ("gpu.acknowledged", "gpu.commit", "gpu.committed", "gpu.assigned"),
            ("postprocess.sent", "postprocess.acknowledged"),
        ),
    ],
    ids=["before the broker has it", "after"],
)
def test_workers_killed_at_their_edges_lose_nothing_and_repeat_what_was_open(
    night: Night, chance: random.Random, gpu: tuple[str, ...], post: tuple[str, ...]
) -> None:
    night.submit(REQUESTS)
    ends = [
        passages(chance, gpu),
        passages(chance, post),
    ]  # drawn before two threads could draw in any order
    with ThreadPoolExecutor(2) as stages:
        workers = list(stages.map(lambda kind, end: victims(night, kind, end), GROUPS, ends))
    night.completes(REQUESTS)
    night.holds(REQUESTS)
    for worker in workers:
        worker.finishes()


@pytest.mark.slow
def test_a_gpu_consumer_killed_while_partitions_move_loses_nothing(night: Night) -> None:
    night.submit(REQUESTS)
    night.post()
    leaving = night.gpu(**{VARIABLE: "gpu.revoked:1"})
    leaving.says('"assigned"')
    joining = night.gpu()
    night.died(leaving)
    with night.recovery("killed at gpu.revoked"):
        joining.says('"assigned"')
    night.completes(REQUESTS)
    night.holds(REQUESTS)
    joining.finishes()


def test_workers_killed_or_told_to_leave_at_any_moment_lose_nothing(
    night: Night, chance: random.Random
) -> None:
    """A paced engine has work in hand at each fault. Only what a kill left open may come again: those that are told to leave leave nothing."""
    night.submit(PACED)
    begin = {
        "gpu-consumer": lambda: night.gpu("paced_engine", SEEDCAST_GPU_VOICE_LOCK="off"),
        "postprocess": night.post,
    }
    workers = {kind: begin[kind]() for kind in GROUPS}
    kinds = [*GROUPS, chance.choice(list(GROUPS))]
    for kind in chance.sample(kinds, len(kinds)):
        night.comes_to(kind, night.done(kind) + chance.randint(1, SOON))
        night.kill(workers[kind])
        with night.recovery(f"{kind} killed", kind):
            workers[kind] = begin[kind]()
    assert night.lag("gpu-consumer"), "nothing is left to leave behind"
    for kind in (
        "postprocess",
        "gpu-consumer",
    ):  # audio must still come for the one, and requests wait for the other
        night.comes_to(kind, night.done(kind) + chance.randint(1, SOON))
        workers[kind].finishes()
    with (
        night.recovery("postprocess told to leave", "postprocess"),
        night.recovery("gpu-consumer told to leave"),
    ):
        last = [night.start(kind) for kind in GROUPS]
    night.completes(PACED)
    night.holds(PACED)
    for worker in last:
        worker.finishes()
