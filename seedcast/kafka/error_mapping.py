"""librdkafka's errors to Seedcast's tree."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from confluent_kafka import KafkaError, KafkaException

from seedcast.errors import (
    BrokerUnavailable,
    CredentialsRefused,
    Fatal,
    InvalidSettings,
    OffsetsLost,
    Poison,
    SeedcastError,
    TopicMismatch,
)

log = structlog.get_logger(__name__)

_REFUSED = {
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError._SSL,
}
_POISON = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_MSG,
}
_MISSING = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError.TOPIC_EXCEPTION}
_LOST = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
_MISCONFIGURED = {
    KafkaError._INVALID_ARG,
    KafkaError._NOT_IMPLEMENTED,
    KafkaError.UNSUPPORTED_VERSION,
    KafkaError.INVALID_CONFIG,
}


def translate(error: KafkaError | KafkaException | Exception, doing: str) -> SeedcastError:
    """Which branch of the tree it belongs to. What is not known here may heal, so it is Retryable, unless librdkafka calls it fatal."""
    inner = error.args[0] if isinstance(error, KafkaException) and error.args else error
    if isinstance(inner, TimeoutError):  # a future of the admin client
        return BrokerUnavailable(f"{doing}: no answer in time")
    if not isinstance(inner, KafkaError):
        return Fatal(f"{doing}: {error}")
    code, got = inner.code(), inner.str()
    if code in _REFUSED:
        return CredentialsRefused(
            f"{doing}: the broker refused us",
            got=got,
            remedy="check kafka.security_protocol, kafka.sasl_* and kafka.ssl_*, and the rights of that user",
        )
    if code in _LOST:
        return OffsetsLost(
            f"{doing}: records were deleted before they were read",
            got=got,
            remedy="lengthen the topic's retention; `seedcast audit` counts what is lost",
        )
    if code in _POISON:
        return Poison(f"{doing}: the broker will never take this record", got=got)
    if code in _MISSING:
        return TopicMismatch(
            f"{doing}: topic is missing", got=got, remedy="run `seedcast topics create`"
        )
    if code == KafkaError._FATAL or code in _MISCONFIGURED or inner.fatal():
        return Fatal(f"{doing}: {got}")
    return BrokerUnavailable(f"{doing}: {got}")


@contextmanager
def map_client_errors() -> Iterator[None]:
    """Raises InvalidSettings where librdkafka does not take the properties that settings gave it."""
    try:
        yield
    except KafkaException as error:
        raise InvalidSettings(
            "settings of Kafka's client",
            got=error.args[0].str() if isinstance(error.args[0], KafkaError) else str(error),
            remedy="check SEEDCAST_KAFKA_OPTIONS, SEEDCAST_KAFKA_SSL_* and SEEDCAST_KAFKA_SASL_*",
        ) from error


def refuse_gap(topic: str, partition: int, expected: int, begins: int) -> None:
    """Raises OffsetsLost where records were deleted before they were read: the log begins after the offset expected."""
    if begins > expected:
        raise OffsetsLost(
            f"{topic}[{partition}]: {begins - expected} records were deleted before they were read",
            expected=f"offset {expected}",
            got=f"a log that begins at {begins}",
            remedy="lengthen the topic's retention, then move the group past the gap with kafka-consumer-groups --reset-offsets",
        )


def warn_if_truncated(topic: str, partition: int, begins: int) -> None:
    """Of a group that has committed nothing there, nobody can tell whether it has missed what is gone, so this is no error: a line for the operator."""
    if begins > 0:
        log.warning(
            "begins_late",
            topic=topic,
            partition=partition,
            records_gone=begins,
            next="goes on with what is left; `seedcast audit` says what has no result",
        )
