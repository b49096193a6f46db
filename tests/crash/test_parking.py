"""kill -9 on the way aside and on the way back: between a topic's acknowledgement and the offset that it finishes."""

import random
from collections import Counter

import pytest

from gpu_consumers import parking
from gpu_consumers.audio_backlog import untaken
from schemas.topics import REQUESTS, REQUESTS_PARKED, Topic
from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import alter
from seedcast.codec import decode_request
from seedcast.failpoints import VARIABLE
from seedcast.kafka import Admin
from tests.conftest import eventually
from tests.crash.night import CAMPAIGN, Night

pytestmark = [pytest.mark.integration, pytest.mark.slow]

WAITING = 80  # requests
PASSAGES = 30  # the last passage at which to die


def at(edge: str, chance: random.Random) -> dict[str, str]:
    return {VARIABLE: f"{edge}:{chance.randint(1, PASSAGES)}"}


def times(night: Night, topic: Topic) -> Counter[str]:
    """How often each request lies on a topic."""
    return Counter(decode_request(record.value).request_id for record in night.topic(topic))


def parked(night: Night) -> int:
    """Requests that nobody has put back."""
    return untaken(
        Admin(night.seen), night.seen.group(parking.GROUP), night.seen.topic(REQUESTS_PARKED), 0
    ).records


def test_a_gpu_consumer_killed_while_it_parks_and_while_it_puts_back_loses_nothing(
    night: Night, chance: random.Random
) -> None:
    night.submit(WAITING)
    alter(night.seen, CAMPAIGN, campaign_state.paused)
    night.died(night.gpu(**at("gpu.parked", chance)))
    left = WAITING - night.done("gpu-consumer")
    with night.recovery("killed at gpu.parked"):
        killed_later = night.gpu(**at("gpu.put_back", chance))
    night.comes_to("gpu-consumer", WAITING)
    twice = night.topic(REQUESTS_PARKED)
    assert times(night, REQUESTS_PARKED).keys() == times(night, REQUESTS).keys()
    assert WAITING < len(twice) <= WAITING + left, (
        "what was acknowledged and not committed is parked again, and nothing else"
    )
    alter(night.seen, CAMPAIGN, campaign_state.resumed)
    night.died(killed_later)
    before = parked(night)
    with night.recovery("killed at gpu.put_back"):
        last = night.gpu()
    night.post()
    eventually(lambda: not parked(night), what="nothing parked")
    put_back = len(night.topic(REQUESTS)) - WAITING
    assert len(twice) < put_back <= len(twice) + before, (
        "what was put back and not committed is put back again, and nothing else"
    )
    night.completes(WAITING)
    night.holds(WAITING)
    last.finishes()
