"""Whether the brokers answer, asked every few seconds: a worker that has nothing to send would say nothing of an outage."""

import asyncio
import time
from typing import Any

import structlog

from schemas.topics import RESULTS
from seedcast.errors import BrokerUnavailable
from seedcast.health import Readiness
from seedcast.settings import Settings
from stream_apps.postprocess.faust_app import App

log = structlog.get_logger(__name__)

BOUNDARY = "broker"  # as in readiness
EVERY = 2.0  # seconds between two questions
ANSWER = 5.0  # seconds; a broker that is silent for less is not away


async def watch(app: App, settings: Settings, readiness: Readiness) -> None:
    """Says once that they are away, and once that they are back; meanwhile `readiness` lacks the broker. Never returns."""
    away_since: float | None = None
    while True:
        try:
            await _ask(app, settings.topic(RESULTS))
        except BrokerUnavailable as error:
            readiness.lose(BOUNDARY)
            if away_since is None:
                away_since = time.monotonic()
                log.warning("unavailable", boundary=BOUNDARY, problem=str(error))
        else:
            if away_since is not None:
                readiness.meet(BOUNDARY)
                log.info(
                    "available",
                    boundary=BOUNDARY,
                    seconds_away=round(time.monotonic() - away_since, 1),
                )
                away_since = None
        await asyncio.sleep(EVERY)


async def _ask(app: App, topic: str) -> None:
    """By the client that sends: no connection more. Raises BrokerUnavailable."""
    producer: Any = app.producer
    if producer._producer is None:  # not started yet
        return
    client = producer._producer.client
    client.add_topic(topic)  # of one that knows no topic yet, the question would be for all
    try:
        answered, got = (
            await asyncio.wait_for(client.force_metadata_update(), ANSWER),
            "none that takes a connection",
        )
    except TimeoutError:
        answered, got = False, f"no answer within {ANSWER:g} s"
    if not answered:
        raise BrokerUnavailable("asking for metadata", expected="a broker that answers", got=got)
