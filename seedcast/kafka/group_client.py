"""Asks about a consumer group, as a consumer that has the group's name and never joins it.

No question here is one of AdminClient. When such a question to a coordinator runs into its
time-out, librdkafka (2.16) ends the process as soon as the coordinator is back (librdkafka#4605);
when the coordinator moves, list_consumer_group_offsets ends it by SIGSEGV. A consumer asks its
coordinator in another way.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from seedcast.kafka import client_config
from seedcast.schemas.rights import Operation, Right
from seedcast.settings import KafkaSettings

_DENIED = KafkaError.GROUP_AUTHORIZATION_FAILED
_TEMPORARY = {
    KafkaError._TIMED_OUT,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
_FIRST_WAIT = 1.0  # seconds until we look whether a question was refused; then twice as long
_SERVE = 0.1  # seconds for each look at what the client has heard
_NO_PARTITION = 2**31 - 1  # more than any topic can have
_PROPERTIES = {
    "log_level": 2,  # critical only: what fails is raised here
    "group.protocol": "classic",
    # A client that is given up while brokers are away waits as long for its commit.
    "session.timeout.ms": 1_000,
    "heartbeat.interval.ms": 500,
    "retry.backoff.ms": 10,  # librdkafka commits again where a partition does not exist
}
T = TypeVar("T")


class GroupClients:
    """One client for each group that is asked about. For one thread."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._clients: dict[str, GroupClient] = {}

    def committed(
        self, group: str, partitions: Sequence[TopicPartition], timeout: float
    ) -> list[TopicPartition]:
        """Return the partitions with what the group has committed. Raises KafkaException."""
        return self._ask(group, lambda client: client.committed(partitions, timeout))

    def grants(self, right: Right, topic: str, timeout: float) -> bool:
        """Return True if we have the right on the group that it names. Raises KafkaException.

        `topic` is the full name of one that the group's users use.
        """
        try:
            self._ask(right.name, lambda client: client.use(right.operation, topic, timeout))
        except KafkaException as error:
            if error.args[0].code() == _DENIED:
                return False
            raise
        return True

    def _ask(self, group: str, question: "Callable[[GroupClient], T]") -> T:
        """A client that has failed is asked nothing more: librdkafka tells a refusal once."""
        client = self._clients.pop(group, None) or GroupClient(self._kafka, group)
        answer = question(client)
        self._clients[group] = client
        return answer


class GroupClient:
    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        # Not a method: a client without reference cycles ends when it is given up.
        answers = self._answers = list[KafkaError | None]()  # to commits
        properties = client_config.reader(kafka) | _PROPERTIES
        properties |= {"group.id": group, "on_commit": lambda error, _: answers.append(error)}
        self._client = Consumer(properties, logger=client_config.LOGGER)

    def committed(
        self, partitions: Sequence[TopicPartition], timeout: float
    ) -> list[TopicPartition]:
        """Return the partitions with what the group has committed; wait for its coordinator.

        Raises KafkaException, with the code GROUP_AUTHORIZATION_FAILED if we may not describe the
        group. librdkafka tells that beside the call, which by itself only times out.
        """
        deadline, wait = time.monotonic() + timeout, _FIRST_WAIT
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                found: list[TopicPartition] = self._client.committed(
                    list(partitions), timeout=min(wait, left)
                )
                return found
            except KafkaException as error:
                self._raise_denied()
                code = error.args[0].code()
                if code not in _TEMPORARY or time.monotonic() >= deadline:
                    raise
                if code == KafkaError._TIMED_OUT:
                    wait *= 2

    def use(self, operation: Operation, topic: str, timeout: float) -> None:
        """Describe the group, or read with it, without any effect. Raises KafkaException.

        To read takes the right to commit. The commit here changes nothing: the brokers refuse it
        for want of that right, or else because its partition does not exist.
        """
        nowhere = TopicPartition(topic, _NO_PARTITION, 0)
        self.committed([nowhere], timeout)
        if operation == "Read":
            answer = self._commit(nowhere, timeout)
            if answer and (answer.code() == _DENIED or answer.code() < 0):  # below 0: no broker's
                raise KafkaException(answer)

    def _commit(self, partition: TopicPartition, timeout: float) -> KafkaError | None:
        self._client.commit(offsets=[partition], asynchronous=True)
        deadline = time.monotonic() + timeout
        while not self._answers:
            if time.monotonic() > deadline:
                return KafkaError(KafkaError._TIMED_OUT)
            self._client.poll(_SERVE)
        return self._answers.pop()

    def _raise_denied(self) -> None:
        while message := self._client.poll(_SERVE):
            if (error := message.error()) and error.code() == _DENIED:
                raise KafkaException(error)
