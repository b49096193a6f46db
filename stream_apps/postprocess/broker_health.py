"""Asks every few seconds whether the brokers answer.

A worker that has nothing to send would report nothing of an outage.
"""

import asyncio
import time
from typing import Any

import structlog

from seedcast.errors import BrokerUnavailable
from seedcast.health import Readiness
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.stream_apps.postprocess.faust_app import App
from seedcast.worker import BROKER

log = structlog.get_logger(__name__)

INTERVAL = 2.0  # seconds between two questions
TIMEOUT = 5.0  # seconds; a broker that is silent for less counts as available


async def watch_broker(app: App, settings: Settings, readiness: Readiness) -> None:
    """Log an outage once, and its end once; meanwhile `readiness` lacks the broker.

    Never returns.
    """
    unavailable_since: float | None = None
    while True:
        try:
            await _ask(app, settings.topic(RESULTS))
        except BrokerUnavailable as error:
            readiness.lose(BROKER)
            if unavailable_since is None:
                unavailable_since = time.monotonic()
                log.warning("unavailable", boundary=BROKER, problem=str(error))
        else:
            if unavailable_since is not None:
                seconds = round(time.monotonic() - unavailable_since, 1)
                readiness.meet(BROKER)
                log.info("available", boundary=BROKER, seconds_away=seconds)
                unavailable_since = None
        await asyncio.sleep(INTERVAL)


async def _ask(app: App, topic: str) -> None:
    """Ask with the producer's client, which needs no further connection.

    Raises BrokerUnavailable.
    """
    producer: Any = app.producer
    if producer._producer is None:  # not started yet
        return
    client = producer._producer.client
    client.add_topic(topic)  # a client that knows no topic would ask for all of them
    got = "no broker that takes a connection"
    try:
        answered = await asyncio.wait_for(client.force_metadata_update(), TIMEOUT)
    except TimeoutError:
        answered, got = False, f"no answer within {TIMEOUT:g} s"
    if not answered:
        raise BrokerUnavailable("asking for metadata", expected="a broker that answers", got=got)
