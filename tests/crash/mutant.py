"""`python -m tests.crash.mutant CHANGE[,CHANGE…] run KIND`: a worker as it must not be, or one that meets what it seldom meets.

The first are what the matrix has to turn red for; the others make the moment at which it does. Nothing of this is in what is shipped.
"""

import asyncio
import sys
import threading
from contextlib import suppress
from itertools import count
from typing import Any

from gpu_consumers import assignments
from gpu_consumers.engines.espeak import EspeakEngine
from gpu_consumers.ledger import Ledger
from gpu_consumers.publisher import Publisher
from gpu_consumers.verify.golden import GOLDEN
from schemas.messages import SpeechRequest, Synthesis
from seedcast.cli import main as run
from stream_apps.postprocess.delivery import Delivery
from stream_apps.postprocess.faust_app import App
from stream_apps.postprocess.render import AudioObject

STEP = 0.25  # seconds that a slow engine takes
PACE = 0.2  # seconds that a paced one takes: so long that it is at work for a whole test, so short that post-processing is, too


def no_bitmap() -> None:
    """A new owner starts at the watermark, and does again what the last one did above it."""

    class Forgetful(Ledger):
        def __init__(self, watermark: int, metadata: str = "") -> None:
            super().__init__(watermark)

    assignments.Ledger = Forgetful  # type: ignore[misc]


def commit_first() -> None:
    """A request is done when its audio is handed to the producer."""
    publish, finish = Publisher.publish, assignments.Assignment.finish

    def early(
        publisher: Publisher, assignment: assignments.Assignment, offset: int, synthesis: Synthesis
    ) -> None:
        finish(assignment, offset)
        publish(publisher, assignment, offset, synthesis)

    def late(assignment: assignments.Assignment, offset: int) -> None:
        with suppress(KeyError):  # it was finished early
            finish(assignment, offset)

    Publisher.publish, assignments.Assignment.finish = early, late  # type: ignore[method-assign]


def concurrency_2() -> None:
    """Two instances of each agent take turns."""
    agent = App.agent

    def twice(app: App, *arguments: Any, concurrency: int, **named: Any) -> Any:
        return agent(app, *arguments, concurrency=2 * concurrency, **named)

    App.agent = twice


def held_slot() -> None:
    """The first request of the night never leaves its slot."""
    admit, held = EspeakEngine.admit, list[SpeechRequest]()

    def hold(engine: EspeakEngine, ticket: int, request: SpeechRequest) -> None:
        if request not in GOLDEN and not held:
            held.append(request)
        else:
            admit(engine, ticket, request)

    EspeakEngine.admit = hold  # type: ignore[method-assign]


def held_object() -> None:
    """The first object that is to be stored never is."""
    put, numbers = Delivery._put, count()

    async def hold(delivery: Delivery, item: AudioObject) -> None:
        if next(numbers) == 0:
            print("held", file=sys.stderr, flush=True)
            await asyncio.Event().wait()
        await put(delivery, item)

    Delivery._put = hold  # type: ignore[method-assign]


def twice() -> None:
    """All audio is sent again, also what no crash left open."""
    send = Publisher._send

    def again(publisher: Publisher, *arguments: Any) -> None:
        send(publisher, *arguments)
        topic, key, value, headers, _, *rest = arguments
        send(publisher, topic, key, value, headers, lambda _: None, *rest)

    Publisher._send = again  # type: ignore[method-assign]


def slow_engine() -> None:
    _slowed(STEP)


def paced_engine() -> None:
    _slowed(PACE)


def _slowed(seconds: float) -> None:
    step = EspeakEngine.step

    def slow(engine: EspeakEngine) -> Any:
        threading.Event().wait(seconds)
        return step(engine)

    EspeakEngine.step = slow  # type: ignore[method-assign]


CHANGES = {
    change.__name__: change
    for change in (
        no_bitmap,
        commit_first,
        concurrency_2,
        twice,
        held_slot,
        held_object,
        slow_engine,
        paced_engine,
    )
}


def main() -> None:
    for name in sys.argv.pop(1).split(","):
        CHANGES[name]()
    run()


if __name__ == "__main__":
    main()
