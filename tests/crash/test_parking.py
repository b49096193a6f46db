"""kill -9 while a request is parked, and while it is put back.

Both strike between a topic's acknowledgement and the commit of the offset that it finishes.
"""

import random
from collections import Counter

import pytest

from seedcast.campaigns import campaign_state
from seedcast.campaigns.campaign_topic import change_campaign
from seedcast.codec import decode_request
from seedcast.failpoints import VARIABLE
from seedcast.gpu_consumers.audio_backlog import count_uncommitted
from seedcast.kafka import GroupOffsets
from seedcast.schemas.topics import PARKING, REQUESTS, REQUESTS_PARKED, Topic
from tests.builders.waiting import eventually
from tests.crash.deployment import CAMPAIGN, Deployment

pytestmark = [pytest.mark.integration, pytest.mark.slow]

WAITING = 80  # requests
PASSAGES = 30  # the last passage at which to die


def failpoint(edge: str, chance: random.Random) -> dict[str, str]:
    return {VARIABLE: f"{edge}:{chance.randint(1, PASSAGES)}"}


def times(deployment: Deployment, topic: Topic) -> Counter[str]:
    """Return how often each request is on a topic."""
    return Counter(decode_request(record.value).request_id for record in deployment.records(topic))


def parked(deployment: Deployment) -> int:
    """Return the number of requests that nobody has put back."""
    settings = deployment.test_settings
    group, topic = settings.group(PARKING.name), settings.topic(REQUESTS_PARKED)
    return count_uncommitted(GroupOffsets(settings), group, topic, 0).records


def test_a_gpu_consumer_killed_while_it_parks_and_while_it_puts_back_loses_nothing(
    deployment: Deployment, chance: random.Random
) -> None:
    deployment.submit(WAITING)
    change_campaign(deployment.test_settings, CAMPAIGN, campaign_state.paused)
    deployment.wait_for_crash(deployment.start_gpu_consumer(**failpoint("gpu.parked", chance)))
    unfinished = WAITING - deployment.offsets_done("gpu-consumer")
    with deployment.recovery("killed at gpu.parked"):
        killed_later = deployment.start_gpu_consumer(**failpoint("gpu.put_back", chance))
    deployment.wait_for_commits("gpu-consumer", WAITING)
    twice = deployment.records(REQUESTS_PARKED)
    assert times(deployment, REQUESTS_PARKED).keys() == times(deployment, REQUESTS).keys()
    assert WAITING < len(twice) <= WAITING + unfinished, (
        "what was acknowledged and not committed is parked again, and nothing else"
    )
    change_campaign(deployment.test_settings, CAMPAIGN, campaign_state.resumed)
    deployment.wait_for_crash(killed_later)
    before = parked(deployment)
    with deployment.recovery("killed at gpu.put_back"):
        last = deployment.start_gpu_consumer()
    deployment.start_postprocess()
    eventually(lambda: not parked(deployment), what="nothing parked")
    put_back = len(deployment.records(REQUESTS)) - WAITING
    assert len(twice) < put_back <= len(twice) + before, (
        "what was put back and not committed is put back again, and nothing else"
    )
    deployment.wait_for_completion(WAITING)
    deployment.assert_invariants(WAITING)
    last.shut_down()
