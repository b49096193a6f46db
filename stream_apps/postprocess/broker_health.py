"""Asks every few seconds whether the brokers answer.

A worker that has nothing to send would report nothing of an outage.
"""

import asyncio
import time
from typing import Any

import structlog

from seedcast.errors import BrokerUnavailable, InvalidSettings
from seedcast.health import Readiness
from seedcast.schemas.topics import RESULTS
from seedcast.settings import Settings
from seedcast.stream_apps.postprocess.faust_app import App, renew_login
from seedcast.worker import BROKER

log = structlog.get_logger(__name__)

INTERVAL = 2.0  # seconds between two questions
# A broker closes the connection of a client that has to show its password again, which aiokafka
# does by connecting anew (connections.max.reauth.ms): one unanswered question is no outage.
ATTEMPTS = 3
PAUSE = 0.3  # seconds between two of them
TIMEOUT = 5.0  # seconds; a broker that is silent for less counts as available


async def watch_broker(app: App, settings: Settings, readiness: Readiness) -> None:
    """Log an outage once, and its end once; meanwhile `readiness` lacks the broker.

    Gives the clients a password that has changed in its file, too. Never returns.
    """
    unavailable_since: float | None = None
    while True:
        _renew_login(app, settings)
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


def _renew_login(app: App, settings: Settings) -> None:
    try:
        renew_login(app, settings.kafka)
    except InvalidSettings as error:  # a secret is being mounted anew; the next look reads it
        log.warning("secret_unreadable", problem=str(error))


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
    for _ in range(ATTEMPTS):
        try:
            if await asyncio.wait_for(client.force_metadata_update(), TIMEOUT):
                return
        except TimeoutError:
            got = f"no answer within {TIMEOUT:g} s"
            break
        await asyncio.sleep(PAUSE)
    raise BrokerUnavailable("asking for metadata", expected="a broker that answers", got=got)
