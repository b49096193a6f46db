"""A deadline bounds delivery: what is late ends as expired, whenever that shows.

It leaves no object, and takes none away that others need.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from aiokafka.errors import KafkaTimeoutError

from seedcast.catalog import profiles
from seedcast.codec import encode_json, encode_synthesis
from seedcast.errors import CredentialsRefused, StoreUnavailable
from seedcast.settings import PostprocessSettings
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.objects import ObjectInfo
from seedcast.stream_apps.postprocess.render import Outcome, RenderContext, expired, render_record
from tests.builders.records import audio, utterance
from tests.unit.stream_apps.test_delivery import World, play

DEADLINE = datetime(2026, 12, 1, 6, tzinfo=UTC)
BEFORE, AFTER = DEADLINE - timedelta(seconds=1), DEADLINE + timedelta(seconds=1)
TABLE = profiles.load(PostprocessSettings())
PATIENT = MappingProxyType(
    {name: msgspec.structs.replace(row, deliver_late=True) for name, row in TABLE.items()}
    | {"wav": TABLE["wav"]}
)
VALUE = encode_synthesis(audio(1, profiles=("telephony", "speaker"), deadline=DEADLINE))


def rendered(
    now: datetime,
    table: profiles.Profiles = TABLE,
    value: bytes = VALUE,
    deliver_late: frozenset[str] = frozenset(),
) -> Outcome:
    context = RenderContext.of(PostprocessSettings(), table, MemoryStore())
    return render_record(value, context, frozenset(), deliver_late, now)


def test_what_is_late_before_rendering_is_not_rendered() -> None:
    made = rendered(AFTER)
    assert (made.result.status, made.objects, made.result.receipt) == ("expired", (), None)
    assert made.result.metadata == {"recipient": "1"}
    assert made.result.error
    assert made.result.error.code == "expired"
    assert DEADLINE.isoformat() in made.result.error.message
    assert rendered(DEADLINE).result.status == "succeeded", "the deadline itself is in time"


def test_the_result_is_the_same_whenever_lateness_shows() -> None:
    assert encode_json(expired(rendered(BEFORE)).result) == encode_json(rendered(AFTER).result)


@pytest.mark.parametrize(
    ("asked", "status"), [(("telephony", "speaker"), "succeeded"), (("phone", "wav"), "expired")]
)
def test_a_request_may_be_late_if_every_profile_that_it_asks_for_says_so(
    asked: tuple[str, ...], status: str
) -> None:
    value = encode_synthesis(audio(1, profiles=asked, deadline=DEADLINE))
    assert rendered(AFTER, PATIENT, value).result.status == status


def test_a_request_may_be_late_if_its_campaign_says_so() -> None:
    made = rendered(AFTER, deliver_late=frozenset({"night-1"}))
    assert (made.result.status, made.deadline) == ("succeeded", None)


class Clock(World):
    """Time passes the deadline when a test says so."""

    def __init__(self, world: World) -> None:
        self.__dict__ = world.__dict__
        self.now = BEFORE
        self.delivery._clock = lambda: self.now
        self.put = self.store.put
        self.stored: list[str] = []

    def pass_deadline(self, *_: object) -> None:
        self.now = AFTER

    def after_put(self, number: int, happens: Callable[..., object]) -> None:
        """Let something happen once that many objects are stored."""

        def put(key: str, data: bytes, content_type: str) -> str:
            uri = self.put(key, data, content_type)
            self.stored.append(uri)
            if len(self.stored) == number:
                happens(key, data, content_type)
            return uri

        self.store.put = put  # type: ignore[method-assign]

    def stop_the_stores(self) -> None:
        """A store's clock counts whole seconds: here all objects are of the same second."""
        stat = self.store.stat

        def coarse(uri: str) -> ObjectInfo | None:
            found = stat(uri)
            return found and replace(found, modified=DEADLINE)

        self.store.stat = coarse  # type: ignore[method-assign]

    def statuses(self) -> list[str]:
        return [result.status for result in self.broker.results()]

    def objects(self) -> int:
        return len(list(self.store.list()))


def test_a_deadline_that_passes_while_objects_are_stored_leaves_none() -> None:
    async def scene(world: World) -> None:
        clock = Clock(world)
        clock.after_put(2, clock.pass_deadline)
        await world.deliver(VALUE)
        assert (clock.statuses(), clock.objects()) == (["expired"], 0)

    play(scene)


def test_an_outage_of_the_store_that_outlasts_the_deadline_leaves_no_object() -> None:
    async def scene(world: World) -> None:
        clock = Clock(world)
        clock.after_put(1, clock.pass_deadline)
        world.store.fail(StoreUnavailable("away"))  # for one of both objects
        await world.deliver(VALUE)
        assert (clock.statuses(), clock.objects(), len(clock.stored)) == (["expired"], 0, 1)

    play(scene)


def test_an_object_that_was_there_before_stays() -> None:
    async def scene(world: World) -> None:
        clock = Clock(world)
        await world.deliver(VALUE)
        clock.after_put(2, clock.pass_deadline)
        await world.deliver(VALUE)
        assert (clock.statuses(), clock.objects()) == (["succeeded", "expired"], 2)

    play(scene)


def test_an_object_that_another_delivery_of_this_process_uses_stays() -> None:
    """Requests that sound the same share an object; here one has a deadline, the other has none."""

    async def scene(world: World) -> None:
        clock = Clock(world)
        same = encode_synthesis(audio(2, utterance(1), profiles=("telephony", "speaker")))
        clock.stop_the_stores()
        send = world.delivery._send_result

        async def send_later(outcome: Outcome) -> None:
            world.delivery._send_result = send  # type: ignore[method-assign]
            await world.deliver(same)
            clock.pass_deadline()
            await send(outcome)

        world.delivery._send_result = send_later  # type: ignore[method-assign]
        await world.deliver(VALUE)
        assert clock.statuses() == ["succeeded", "expired"]
        assert clock.objects() == 2

    play(scene)


def test_an_object_that_another_worker_has_stored_again_stays() -> None:
    async def scene(world: World) -> None:
        clock = Clock(world)
        keys: list[tuple[Any, ...]] = []
        clock.after_put(2, lambda *stored: keys.append(stored))

        def take_over() -> None:
            for stored in keys:
                clock.put(*stored)

        refuse = world.delivery._refuse_late

        def refuse_later(deadline: datetime | None, **how: Any) -> None:
            if keys and clock.now == BEFORE:  # the manifest is next
                take_over()
                clock.pass_deadline()
            refuse(deadline, **how)

        world.delivery._refuse_late = refuse_later  # type: ignore[method-assign]
        await world.deliver(VALUE)
        assert (clock.statuses(), clock.objects()) == (["expired"], 1)

    play(scene)


def test_objects_stay_if_a_manifest_that_names_them_may_have_been_sent() -> None:
    async def scene(world: World) -> None:
        clock = Clock(world)
        world.broker.at_acknowledgement = [KafkaTimeoutError()]
        world.broker.before_send = clock.pass_deadline
        await world.deliver(VALUE)
        assert (clock.statuses(), clock.objects()) == (["expired"], 2)

    play(scene)


def test_a_store_that_lets_nobody_look_up_objects_is_no_obstacle() -> None:
    async def scene(world: World) -> None:
        clock = Clock(world)
        world.store.fail(CredentialsRefused("no right to read"))
        await world.deliver(encode_synthesis(audio(1, deadline=DEADLINE)))
        assert (clock.statuses(), clock.objects()) == (["succeeded"], 1)

    play(scene)


def test_the_clock_of_a_worker_is_the_real_one() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)

    async def scene(world: World) -> None:
        await world.deliver(encode_synthesis(audio(1, deadline=past)))
        await world.deliver(encode_synthesis(audio(2, deadline=past + timedelta(hours=1))))
        assert [result.status for result in world.broker.results()] == ["expired", "succeeded"]

    play(scene)
