"""librdkafka's configuration. Each fixed property has its reason beside it.

What is tuned here, SEEDCAST_KAFKA_OPTIONS may change; what is promised, it may not name.
"""

import logging
import socket
from typing import NamedTuple

from seedcast.kafka.tokens import tokens
from seedcast.schemas.topics import DEAD_LETTERS, HEADER_ROOM, MIB
from seedcast.settings import KafkaSettings

LOGGER = logging.getLogger("librdkafka")  # without it, librdkafka writes to stderr itself


def max_record(kafka: KafkaSettings) -> int:
    """Return the bytes of the largest record of any topic, before compression."""
    return max(kafka.max_record_bytes, DEAD_LETTERS.max_bytes) + HEADER_ROOM


def client(kafka: KafkaSettings) -> dict[str, object]:
    """Properties of every client: brokers and credentials.

    Raises InvalidSettings, and where clients show a token the errors of Tokens.require.
    """
    properties: dict[str, object] = {
        "bootstrap.servers": kafka.bootstrap,
        "client.id": f"seedcast-{socket.gethostname()}",
        "security.protocol": kafka.security_protocol,
        "ssl.ca.location": kafka.ssl_ca_location,
        "ssl.certificate.location": kafka.ssl_certificate_location,
        "ssl.key.location": kafka.ssl_key_location,
        "ssl.key.password": kafka.ssl_key_password.get_secret_value(),
    }
    if kafka.uses_sasl:
        properties |= _token(kafka) if kafka.uses_token else _password(kafka)
    return {name: value for name, value in properties.items() if value} | {**kafka.options}


def _password(kafka: KafkaSettings) -> dict[str, object]:
    username, password = kafka.login()
    return {
        "sasl.mechanism": kafka.sasl_mechanism,
        "sasl.username": username,
        "sasl.password": password,
    }


def _token(kafka: KafkaSettings) -> dict[str, object]:
    """Raises CredentialsRefused, Unreachable, BrokerUnavailable and InvalidSettings."""
    ours = tokens(kafka)
    ours.require()
    return {"sasl.mechanism": "OAUTHBEARER", "oauth_cb": ours.callback}


def producer(kafka: KafkaSettings) -> dict[str, object]:
    tuned: dict[str, object] = {
        "linger.ms": 20,
        "compression.type": "lz4",
        "queue.buffering.max.kbytes": 65_536,  # back-pressure at 64 MiB, before memory runs out
        "reconnect.backoff.max.ms": 2_000,
    }
    promised = {
        "enable.idempotence": True,  # acks=all, no reordering, no duplicate from a retry
        "message.timeout.ms": 0,  # wait for a broker that is down; drop nothing silently
        "message.max.bytes": max_record(kafka),
        "partitioner": "murmur2_random",  # Java's default, so that other languages agree
    }
    return tuned | client(kafka) | promised


def prompt(timeout: float) -> dict[str, object]:
    """Properties of a producer whose callers wait for each record, for `timeout` seconds."""
    return {
        # What nobody waits for any more is dropped, so that a repeat is no second record.
        "message.timeout.ms": max(1, round(timeout * 1000)),
        "linger.ms": 1,  # a caller that waits would pay for more; those in flight share batches
    }


def consumer(kafka: KafkaSettings, group: str) -> dict[str, object]:
    tuned: dict[str, object] = {
        "fetch.message.max.bytes": max_record(kafka),
        "queued.max.messages.kbytes": 16_384,
        "max.poll.interval.ms": 300_000,
        "reconnect.backoff.max.ms": 2_000,
        "topic.metadata.refresh.interval.ms": 30_000,
    }
    promised = {
        "group.id": group,
        "group.protocol": kafka.group_protocol,
        "enable.auto.commit": False,  # the caller commits, after the work is done
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",  # report deleted offsets, never skip them
    }
    if kafka.group_protocol == "classic":
        tuned["heartbeat.interval.ms"] = int(kafka.session_timeout * 1000 / 3)
        promised |= {
            # A rebalance stops only the partitions that move.
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": int(kafka.session_timeout * 1000),
        }
    return tuned | client(kafka) | promised


class Fetch(NamedTuple):
    """How long the broker may hold a fetch for which it has fewer than `min_bytes`."""

    wait_ms: int
    min_bytes: int = 1  # a record ends the wait at once


TO_END = Fetch(50)  # an empty fetch reports the end of a partition
PROMPT = Fetch(5_000)  # nothing else waits on this connection
BATCHED = Fetch(500, MIB)  # two a second, and not one per record


def reader(kafka: KafkaSettings, fetch: Fetch = TO_END) -> dict[str, object]:
    """Properties of a consumer without a group: assigned by hand, never commits."""
    tuned: dict[str, object] = {
        # These two bound the memory of a topic that is read faster than it is used.
        "fetch.max.bytes": 4 * MIB,
        "queued.max.messages.kbytes": 16_384,
        "fetch.message.max.bytes": max_record(kafka),
        "reconnect.backoff.max.ms": 2_000,
    }
    promised = {
        # Never joined. librdkafka looks for the group's coordinator all the same; TopicReader
        # ignores that it may not, so that no right on a group is needed.
        "group.id": f"{kafka.prefix}.reader",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": fetch.wait_ms,
        "fetch.min.bytes": fetch.min_bytes,
    }
    return tuned | client(kafka) | promised
