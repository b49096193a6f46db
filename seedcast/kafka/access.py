"""The rights that the brokers grant us, compared with those of a role.

Kafka answers as if what one may not see were not there: without this comparison a missing right
looks like a missing topic, a group without members, or a broker that is away.
"""

from collections.abc import Iterable, Iterator

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import TopicDescription

from seedcast.errors import AccessDenied
from seedcast.kafka.admin_client import AdminClient
from seedcast.kafka.tokens import tokens
from seedcast.schemas.rights import Right
from seedcast.settings import KafkaSettings

TIMEOUT = 15.0  # seconds for one administrative request

_MISSING = KafkaError.UNKNOWN_TOPIC_OR_PART
_DENIED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}


def principal(kafka: KafkaSettings) -> str:
    """Return who the brokers take us for, as access control lists write it."""
    if kafka.uses_token:
        subject = tokens(kafka).subject
        return f"User:{subject}" if subject else "the principal of our token"
    if kafka.uses_sasl:
        return f"User:{kafka.login()[0]}"
    if kafka.ssl_certificate_location:
        return f"the user of the certificate {kafka.ssl_certificate_location}"
    return "User:ANONYMOUS"


def denied(kafka: KafkaSettings, rights: Iterable[Right], doing: str = "") -> AccessDenied:
    """Return the error that names who lacks which rights, and the command that grants the first."""
    lacking, who = list(rights), principal(kafka)
    return AccessDenied(
        f"{doing}: the brokers refuse {who}" if doing else f"the brokers refuse {who}",
        expected="; ".join(map(str, lacking)),
        got="no such right",
        remedy=f"grant it: {_grant(kafka, who, lacking[0])}; "
        "docs/deploying.md has the rights of every role",
    )


def _grant(kafka: KafkaSettings, who: str, right: Right) -> str:
    if kafka.sasl_mechanism == "AWS_MSK_IAM":
        return "by the IAM policy of the role that signs the token"
    user = who if who.startswith("User:") else "USER"
    resource = right.resource.lower()
    return (
        f"kafka-acls --add --allow-principal {user} --operation {right.operation} "
        f"--{resource} {right.name}"
    )


def describe_topics(
    client: AdminClient, names: Iterable[str], timeout: float = TIMEOUT
) -> tuple[dict[str, TopicDescription], set[str]]:
    """Return the topics of these that exist, and the names of those that we may not see.

    A topic that is in neither does not exist. Raises KafkaException and TimeoutError.
    """
    found: dict[str, TopicDescription] = {}
    hidden: set[str] = set()
    if not (asked := list(names)):
        return found, hidden
    answers = client.describe_topics(
        TopicCollection(asked), include_authorized_operations=True, request_timeout=timeout
    )
    for name, answer in answers.items():
        try:
            found[name] = answer.result(timeout)
        except KafkaException as error:
            code = error.args[0].code()
            if code in _DENIED:
                hidden.add(name)
            elif code != _MISSING:
                raise
    return found, hidden


def lacking(
    client: AdminClient, rights: Iterable[Right], timeout: float = TIMEOUT
) -> Iterator[Right]:
    """Yield the rights on topics that the brokers do not grant us.

    A right on a topic that does not exist is not judged, and neither is any where the brokers tell
    nobody's rights (before Kafka 2.3). Raises KafkaException, TimeoutError.
    """
    wanted = list(rights)
    found, hidden = describe_topics(client, {right.name for right in wanted}, timeout)
    granted = {name: _names(topic.authorized_operations) for name, topic in found.items()}
    granted |= {name: set[str]() for name in hidden}
    for right in wanted:
        operations = granted.get(right.name)
        if operations is not None and _constant(right.operation) not in operations:
            yield right


def _names(operations: Iterable[object] | None) -> set[str] | None:
    return None if operations is None else {getattr(each, "name", "") for each in operations}


def _constant(operation: str) -> str:
    """Return the operation as librdkafka names it: DESCRIBE_CONFIGS for DescribeConfigs."""
    parts = ("_" + c if c.isupper() and place else c for place, c in enumerate(operation))
    return "".join(parts).upper()
