"""`python -m tests.crash.mutant CHANGE[,CHANGE…] run KIND`: start a worker with changed code.

Some changes break the protocol; the fault matrix must go red for them. The others bring about a
moment that is rare otherwise, such as a request that stays in its slot. None of this is shipped.
"""

import asyncio
import sys
import threading
from contextlib import suppress
from itertools import count
from typing import Any

from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread as ConsumerThread

from seedcast.cli import main as run
from seedcast.gpu_consumers import owned_partitions
from seedcast.gpu_consumers.engines.espeak.engine import EspeakEngine
from seedcast.gpu_consumers.ledger import Ledger
from seedcast.gpu_consumers.publisher import Publisher
from seedcast.gpu_consumers.verify.golden import GOLDEN
from seedcast.schemas.messages import SpeechRequest, Synthesis
from seedcast.stream_apps.postprocess.delivery import Delivery
from seedcast.stream_apps.postprocess.faust_app import App
from seedcast.stream_apps.postprocess.render import AudioObject

STEP = 0.25  # seconds per step of a slow engine
# Seconds per step of a paced engine: long enough to keep it busy for a whole test, and short enough
# to keep post-processing busy, too.
PACE = 0.2
HOLD = 3.0  # seconds between an assignment and the first read


def no_bitmap() -> None:
    """A new owner starts at the watermark and repeats what the last one did above it."""

    class Forgetful(Ledger):
        def __init__(self, watermark: int, metadata: str = "") -> None:
            super().__init__(watermark)

    owned_partitions.Ledger = Forgetful  # type: ignore[misc]


def commit_first() -> None:
    """A request counts as done when its audio is handed to the producer, before delivery."""
    publish, finish = Publisher.publish, owned_partitions.Assignment.finish

    def finish_and_publish(
        publisher: Publisher,
        assignment: owned_partitions.Assignment,
        offset: int,
        synthesis: Synthesis,
    ) -> None:
        finish(assignment, offset)
        publish(publisher, assignment, offset, synthesis)

    def finish_again(assignment: owned_partitions.Assignment, offset: int) -> None:
        with suppress(KeyError):  # it is finished already
            finish(assignment, offset)

    Publisher.publish = finish_and_publish  # type: ignore[method-assign]
    owned_partitions.Assignment.finish = finish_again  # type: ignore[method-assign]


def concurrency_2() -> None:
    """Each Faust agent has two instances, which take turns."""
    agent = App.agent

    def doubled(app: App, *arguments: Any, concurrency: int, **named: Any) -> Any:
        return agent(app, *arguments, concurrency=2 * concurrency, **named)

    App.agent = doubled


def held_slot() -> None:
    """The first request of a campaign never leaves its slot."""
    admit, held = EspeakEngine.admit, list[SpeechRequest]()

    def hold(engine: EspeakEngine, ticket: int, request: SpeechRequest) -> None:
        if request not in GOLDEN and not held:
            held.append(request)
        else:
            admit(engine, ticket, request)

    EspeakEngine.admit = hold  # type: ignore[method-assign]


def held_assignment() -> None:
    """A fetch is under way when partitions move, and it takes long until reading may go on."""
    seek, fetch_records = Consumer.perform_seek, ConsumerThread._fetch_records

    async def seek_later(consumer: Consumer) -> None:
        print("moving", file=sys.stderr, flush=True)
        await asyncio.sleep(HOLD)
        await seek(consumer)

    async def fetch_longer(
        thread: ConsumerThread,
        consumer: Any,
        partitions: Any,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        print("fetching", file=sys.stderr, flush=True)
        longer = 4 * HOLD if timeout else timeout
        return await fetch_records(thread, consumer, partitions, longer, max_records)

    Consumer.perform_seek = seek_later  # type: ignore[method-assign]
    ConsumerThread._fetch_records = fetch_longer  # type: ignore[method-assign]


def held_object() -> None:
    """The first object is never stored."""
    put, numbers = Delivery._put, count()

    async def hold(delivery: Delivery, item: AudioObject, *how: Any) -> None:
        if next(numbers) == 0:
            print("held", file=sys.stderr, flush=True)
            await asyncio.Event().wait()
        await put(delivery, item, *how)

    Delivery._put = hold  # type: ignore[method-assign]


def twice() -> None:
    """All audio is sent twice, even without a crash."""
    send = Publisher._send

    def send_twice(publisher: Publisher, *arguments: Any) -> None:
        send(publisher, *arguments)
        owner, topic, key, value, headers, _, *rest = arguments
        send(publisher, owner, topic, key, value, headers, lambda _: None, *rest)

    Publisher._send = send_twice  # type: ignore[method-assign]


def slow_engine() -> None:
    _delay_steps(STEP)


def paced_engine() -> None:
    _delay_steps(PACE)


def _delay_steps(seconds: float) -> None:
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
        held_assignment,
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
