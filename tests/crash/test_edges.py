"""kill -9 at every edge between reading a record and committing its offset, one worker after another in the same night, in both stages at once."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from seedcast.failpoints import VARIABLE
from tests.crash.night import GROUPS, Night, Worker

pytestmark = pytest.mark.integration

REQUESTS = 300
PASSAGES = 40  # the last passage at which to die: all victims together leave something to do
RARE = {"gpu.assigned": 1, "gpu.commit": 2, "gpu.committed": 2}  # the same for what is not passed by each request


def victims(night: Night, chance: random.Random, kind: str, edges: tuple[str, ...]) -> Worker:
    """Each dies at its edge; returns the one after them, at work."""
    for edge in edges:
        night.died(night.start(kind, **{VARIABLE: f"{edge}:{chance.randint(1, RARE.get(edge, PASSAGES))}"}))
    last = night.start(kind)
    with night.recovery(f"{kind} killed", kind):
        last.says('"assigned"')
    return last


@pytest.mark.parametrize(
    ("gpu", "post"),
    [
        (("gpu.polled", "gpu.synthesised", "gpu.sent"), ("postprocess.rendered", "postprocess.stored")),
        (("gpu.acknowledged", "gpu.commit", "gpu.committed", "gpu.assigned"), ("postprocess.sent", "postprocess.acknowledged")),
    ],
    ids=["before the broker has it", "after"],
)
def test_workers_killed_at_their_edges_lose_nothing_and_repeat_what_was_open(
    night: Night, chance: random.Random, gpu: tuple[str, ...], post: tuple[str, ...]
) -> None:
    night.submit(REQUESTS)
    with ThreadPoolExecutor(2) as stages:
        workers = list(stages.map(lambda stage: victims(night, chance, *stage), zip(GROUPS, (gpu, post), strict=True)))
    night.completes(REQUESTS)
    night.holds(REQUESTS)
    for worker in workers:
        worker.finishes()


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


def test_workers_killed_at_any_moment_lose_nothing(night: Night, chance: random.Random) -> None:
    night.submit(REQUESTS)
    workers = {kind: night.start(kind) for kind in GROUPS}
    for moment in sorted(chance.sample(range(1, REQUESTS - 50), 3)):
        kind = chance.choice(list(GROUPS))
        night.comes_to(kind, moment)
        night.kill(workers[kind])
        workers[kind] = night.start(kind)
        with night.recovery(f"{kind} killed", kind):
            workers[kind].says('"assigned"')
    night.completes(REQUESTS)
    night.holds(REQUESTS)
    for worker in workers.values():
        worker.finishes()
