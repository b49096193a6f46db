"""An idempotent producer that checks every delivery report."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog
from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka import Producer as Client

from seedcast.errors import BrokerUnavailable, Retryable, SeedcastError
from seedcast.kafka import client_config
from seedcast.kafka.error_mapping import map_client_errors, translate
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

Headers = Sequence[tuple[str, bytes]]
OnDelivery = Callable[[SeedcastError | None], None]  # None: acknowledged by the broker


class Producer:
    """Not thread-safe: callbacks run inside `send`, `poll` and `flush`, on the caller's thread."""

    def __init__(self, settings: Settings) -> None:
        with map_client_errors():
            self._client = Client(
                client_config.producer(settings.kafka) | {"error_cb": _log_error},
                logger=client_config.LOGGER,
            )
        self._raised: Exception | None = None

    def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        on_delivery: OnDelivery,
        headers: Headers = (),
        partition: int = -1,
    ) -> None:
        """Queue one record; block while librdkafka's queue is full, serving delivery reports.

        Raises Poison if the record is larger than every topic of the table allows.
        """

        def report(error: KafkaError | None, message: Message) -> None:
            try:
                on_delivery(translate(error, f"producing to {topic}") if error else None)
            except Exception as raised:  # it would be lost in C
                self._raised = self._raised or raised

        while True:
            try:
                self._client.produce(
                    topic, value, key, partition, on_delivery=report, headers=list(headers)
                )
                return
            except BufferError:
                self.poll(0.1)
            except KafkaException as error:
                raise translate(error, f"producing to {topic}") from error

    def poll(self, timeout: float = 0.0) -> int:
        """Serve delivery reports; return how many."""
        with self._reports():
            return int(self._client.poll(timeout))

    def flush(self, timeout: float) -> int:
        """Wait for deliveries; return how many are outstanding after `timeout` seconds."""
        with self._reports():
            return int(self._client.flush(timeout))

    @property
    def outstanding(self) -> int:
        return len(self._client)

    def abandon(self) -> None:
        """Drop what is queued, so that closing does not wait for an unavailable broker."""
        self._client.purge()
        self.poll()

    def deliver(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        timeout: float = 30.0,
    ) -> None:
        """Send one record and wait for its acknowledgement.

        Raises the broker's error, or BrokerUnavailable after `timeout` seconds.
        """
        outcome: list[SeedcastError | None] = []
        self.send(topic, key=key, value=value, headers=headers, on_delivery=outcome.append)
        self.flush(timeout)
        if not outcome:
            raise BrokerUnavailable(
                f"producing to {topic}",
                expected=f"an acknowledgement within {timeout:g} s",
                got="none yet",
            )
        if outcome[0]:
            raise outcome[0]

    @contextmanager
    def _reports(self) -> Iterator[None]:
        """Raises what a delivery report raised.

        confluent-kafka turns Ctrl-C inside a report into a SystemError (measured).
        """
        try:
            yield
        except SystemError as error:
            raise KeyboardInterrupt from error
        except KafkaException as error:
            raise translate(error, "producing") from error
        if raised := self._raised:
            self._raised = None
            raise raised


def _log_error(error: KafkaError) -> None:
    mapped = translate(error, "Kafka client")
    (log.warning if isinstance(mapped, Retryable) else log.error)(
        "kafka_client", problem=str(mapped)
    )
