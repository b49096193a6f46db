"""librdkafka's configuration, from settings. What is fixed here is fixed for a reason, given beside it."""

import logging
import socket

from schemas.topics import AUDIO, HEADER_ROOM
from seedcast.settings import KafkaSettings

LOGGER = logging.getLogger(
    "librdkafka"
)  # its own lines go where ours go, not to stderr as they please

# Kafka's client checks the size of one record before compression; the audio topic is the widest.
MAX_RECORD = AUDIO.max_bytes + HEADER_ROOM


def client(kafka: KafkaSettings) -> dict[str, object]:
    """What every client shares: where the brokers are and how to prove who we are."""
    given: dict[str, object] = {
        "bootstrap.servers": kafka.bootstrap,
        "client.id": f"seedcast-{socket.gethostname()}",
        "security.protocol": kafka.security_protocol,
        "ssl.ca.location": kafka.ssl_ca_location,
        "ssl.certificate.location": kafka.ssl_certificate_location,
        "ssl.key.location": kafka.ssl_key_location,
        "ssl.key.password": kafka.ssl_key_password.get_secret_value(),
    }
    if kafka.security_protocol.startswith("SASL"):
        given |= {
            "sasl.mechanism": kafka.sasl_mechanism,
            "sasl.username": kafka.sasl_username,
            "sasl.password": kafka.sasl_password.get_secret_value(),
        }
    return {name: value for name, value in given.items() if value} | {**kafka.options}


def producer(kafka: KafkaSettings) -> dict[str, object]:
    return client(kafka) | {
        "enable.idempotence": True,  # acks=all, no reordering, no duplicate from a retry
        "message.timeout.ms": 0,  # a broker that is down is waited for; nothing is given up silently
        "message.max.bytes": MAX_RECORD,
        "partitioner": "murmur2_random",  # Java's, so that producers in other languages agree
        "linger.ms": 20,
        "compression.type": "lz4",
        "queue.buffering.max.kbytes": 65_536,  # back-pressure after 64 MiB, not after memory is gone
        "reconnect.backoff.max.ms": 2_000,
    }


def consumer(kafka: KafkaSettings, group: str) -> dict[str, object]:
    config = client(kafka) | {
        "group.id": group,
        "group.protocol": kafka.group_protocol,
        "enable.auto.commit": False,  # offsets are committed by the ledger, after the work
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",  # deleted offsets are reported, never skipped
        "fetch.message.max.bytes": MAX_RECORD,
        "queued.max.messages.kbytes": 16_384,
        "max.poll.interval.ms": 300_000,
        "reconnect.backoff.max.ms": 2_000,
        "topic.metadata.refresh.interval.ms": 30_000,
    }
    if kafka.group_protocol == "classic":
        config |= {
            "partition.assignment.strategy": "cooperative-sticky",  # a rebalance stops only what moves
            "session.timeout.ms": int(kafka.session_timeout * 1000),
            "heartbeat.interval.ms": int(kafka.session_timeout * 1000 / 3),
        }
    return config


def reader(kafka: KafkaSettings) -> dict[str, object]:
    """A consumer without a group: assigned by hand, never commits."""
    return (
        client(kafka)
        | {
            "group.id": f"{kafka.prefix}.reader",  # never joined, but librdkafka looks for its coordinator: rights on the prefix must cover it
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,  # the end of a partition is told by an empty fetch: with the default, after half a second
            "fetch.message.max.bytes": MAX_RECORD,
            "fetch.max.bytes": 4
            * 1024
            * 1024,  # with the next: else a topic that is read faster than used is kept in memory
            "queued.max.messages.kbytes": 16_384,
            "reconnect.backoff.max.ms": 2_000,
        }
    )
