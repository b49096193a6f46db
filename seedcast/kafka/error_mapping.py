"""Maps librdkafka's errors to Seedcast's tree."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from confluent_kafka import KafkaError, KafkaException

from seedcast.errors import (
    AccessDenied,
    BrokerUnavailable,
    CredentialsRefused,
    Fatal,
    InvalidSettings,
    OffsetsLost,
    Poison,
    SeedcastError,
    TopicMismatch,
)
from seedcast.kafka import broker_faults
from seedcast.kafka.access import denied
from seedcast.kafka.tokens import tokens
from seedcast.schemas.rights import Right
from seedcast.settings import KafkaSettings

log = structlog.get_logger(__name__)

_REFUSED = {
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._SSL,
}
_DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
_POISON = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_MSG,
}
_MISSING = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError.TOPIC_EXCEPTION,
}
_LOST = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
_MISCONFIGURED = {
    KafkaError._INVALID_ARG,
    KafkaError._NOT_IMPLEMENTED,
    KafkaError.UNSUPPORTED_VERSION,
    KafkaError.INVALID_CONFIG,
}

_TOKEN_REMEDIES = {
    "OAUTHBEARER": (
        "check SEEDCAST_KAFKA_SASL_MECHANISM, SEEDCAST_KAFKA_OAUTH_SCOPE and …_OAUTH_EXTENSIONS, "
        "and that the brokers trust the issuer and the audience of the token"
    ),
    "AWS_MSK_IAM": (
        "check SEEDCAST_KAFKA_AWS_REGION, that the cluster has IAM access control at that port, "
        "and that the role's policy allows kafka-cluster:Connect"
    ),
}
_NO_TOKEN = "Failed to acquire SASL OAUTHBEARER token"  # noqa: S105


def translate(
    error: KafkaError | KafkaException | Exception,
    doing: str,
    kafka: KafkaSettings | None = None,
    right: Right | None = None,
) -> SeedcastError:
    """Return the error of Seedcast's tree that fits; `doing` says what was being done.

    With the `right` that it needs, and the settings that say who we are, a refusal names both.

    An unknown error may pass, so it is Retryable, unless librdkafka calls it fatal.
    """
    inner = error.args[0] if isinstance(error, KafkaException) and error.args else error
    if isinstance(inner, TimeoutError):  # of a future of the admin client
        return BrokerUnavailable(f"{doing}: no answer in time")
    if not isinstance(inner, KafkaError):
        return Fatal(f"{doing}: {error}")
    if inner.code() in _DENIED and kafka and right:
        return denied(kafka, [right], doing)
    return _translate(inner, doing)


def translate_connecting(error: KafkaError, doing: str, kafka: KafkaSettings) -> SeedcastError:
    """Return the error of an error event.

    If the client has no token, that is why there is none, which librdkafka cannot know. A token
    that the brokers refuse is renewed.
    """
    if not kafka.uses_token:
        return translate(error, doing)
    ours = tokens(kafka)
    if _NO_TOKEN in error.str() and ours.problem:
        return ours.problem
    if error.code() != KafkaError._AUTHENTICATION:
        return translate(error, doing)
    ours.discard()
    return CredentialsRefused(
        f"{doing}: the broker refuses the token",
        got=error.str(),
        remedy=_TOKEN_REMEDIES[kafka.sasl_mechanism],
    )


def in_mid_run(error: SeedcastError) -> SeedcastError:
    """Return the error of a worker that runs: refused credentials and missing rights may heal.

    Passwords are rotated and rights restored, and no record may be lost to either.
    """
    if not isinstance(error, CredentialsRefused):
        return error
    return BrokerUnavailable(
        error.what, expected=error.expected, got=error.got, remedy=error.remedy
    )


def _translate(error: KafkaError, doing: str) -> SeedcastError:
    code, got = error.code(), error.str()
    fault = broker_faults.explain(got)
    if code in _REFUSED:
        return CredentialsRefused(
            f"{doing}: {fault.what if fault else 'the broker refused us'}",
            got=got,
            remedy=fault.remedy
            if fault
            else "check SEEDCAST_KAFKA_SECURITY_PROTOCOL, …_SASL_* and …_SSL_*",
        )
    if code in _DENIED:
        return AccessDenied(
            f"{doing}: a right is missing",
            got=got,
            remedy="docs/deploying.md has the rights of every role",
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
    if code == KafkaError._FATAL or code in _MISCONFIGURED or error.fatal():
        return Fatal(f"{doing}: {got}")
    if fault:
        return BrokerUnavailable(f"{doing}: {fault.what}", got=got, remedy=fault.remedy)
    return BrokerUnavailable(f"{doing}: {got}")


@contextmanager
def map_client_errors() -> Iterator[None]:
    """Raises InvalidSettings if librdkafka refuses the properties that settings gave it."""
    try:
        yield
    except KafkaException as error:
        inner = error.args[0]
        raise InvalidSettings(
            "librdkafka refuses the Kafka settings",
            got=inner.str() if isinstance(inner, KafkaError) else str(error),
            remedy="check SEEDCAST_KAFKA_OPTIONS, SEEDCAST_KAFKA_SSL_* and SEEDCAST_KAFKA_SASL_*",
        ) from error


def refuse_gap(topic: str, partition: int, expected: int, log_start: int) -> None:
    """Raises OffsetsLost if the log begins after the offset that is to be read next."""
    if log_start > expected:
        raise OffsetsLost(
            f"{topic}[{partition}]: {log_start - expected} records were deleted "
            "before they were read",
            expected=f"offset {expected}",
            got=f"a log that begins at {log_start}",
            remedy="lengthen the topic's retention, then move the group past the gap "
            "with kafka-consumer-groups --reset-offsets",
        )


def warn_if_truncated(topic: str, partition: int, log_start: int) -> None:
    """Log a warning if a log begins after 0 and the group has committed nothing in it.

    Nobody can tell whether the group has missed the deleted records, so this is no error.
    """
    if log_start > 0:
        log.warning(
            "log_truncated",
            topic=topic,
            partition=partition,
            records_gone=log_start,
            next="continues with what is left; `seedcast audit` reports what has no result",
        )
