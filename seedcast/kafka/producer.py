"""An idempotent producer that checks every delivery report."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial

import structlog
from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka import Producer as Client

from seedcast.errors import BrokerUnavailable, SeedcastError
from seedcast.kafka import access, client_config
from seedcast.kafka.admin_client import AdminClient
from seedcast.kafka.client_errors import ClientErrors
from seedcast.kafka.error_mapping import map_client_errors, translate
from seedcast.kafka.lost_brokers import LostBrokers
from seedcast.schemas.rights import Right
from seedcast.settings import Settings

log = structlog.get_logger(__name__)

Headers = Sequence[tuple[str, bytes]]
OnDelivery = Callable[[SeedcastError | None], None]  # None: acknowledged by the broker
OnOffset = Callable[[int], None]

REFRESH = 5.0  # seconds to look a topic up again
RENEW = 1.0  # seconds between two new clients


class Producer:
    """Not thread-safe: callbacks run inside `send`, `poll` and `flush`, on the caller's thread."""

    def __init__(
        self,
        settings: Settings,
        properties: Mapping[str, object] | None = None,
        *,
        all_errors: bool = True,
    ) -> None:
        """`properties`: librdkafka's, such as those of `client_config.prompt`.

        Without `all_errors`, log of the client's own errors only those about credentials.
        """
        self._kafka, self._properties = settings.kafka, properties or {}
        self._all_errors = all_errors
        self._client = self._connect()
        self._raised: BaseException | None = None
        self._renew_due = 0.0

    def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        on_delivery: OnDelivery,
        headers: Headers = (),
        partition: int = -1,
        on_offset: OnOffset | None = None,
    ) -> None:
        """Queue one record; block while librdkafka's queue is full, serving delivery reports.

        `on_offset` gets the offset of an acknowledged record, before `on_delivery`; not where it
        is unknown.

        Raises Poison if the record is larger than every topic of the table allows, and
        AccessDenied if the broker has just refused another record of this topic.
        """

        def report(error: KafkaError | None, message: Message) -> None:
            _drop_pending()
            try:
                # confluent-kafka says None where the broker did not tell the offset.
                if on_offset and not error and (offset := message.offset()) is not None:
                    on_offset(offset)
                on_delivery(self._translate(error, topic) if error else None)
            except BaseException as raised:  # it would be lost in C
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
                if error.args[0].code() != KafkaError._FATAL or not self._renew():
                    raise self._translate(error.args[0], topic) from error

    def refresh(self, topic: str) -> None:
        """Ask again whether we may write to a topic that has refused us; librdkafka remembers."""
        with suppress(KafkaException):  # the next record says what is wrong
            self._client.list_topics(topic, timeout=REFRESH)

    def poll(self, timeout: float = 0.0) -> int:
        """Serve delivery reports; return how many."""
        self._renew_if_lost()
        with self._reports():
            return int(self._client.poll(timeout))
        return 0

    def flush(self, timeout: float) -> int:
        """Wait for deliveries; return how many are outstanding after `timeout` seconds."""
        self._renew_if_lost()
        with self._reports():
            return int(self._client.flush(timeout))
        return self.outstanding

    @property
    def outstanding(self) -> int:
        return len(self._client)

    def abandon(self) -> None:
        """Drop what is queued, so that closing does not wait for an unavailable broker.

        What is sent next has a client of its own: one that has purged drops some of that, too
        (measured: a third of the records).
        """
        if self.outstanding:
            self._replace_client()

    def deliver(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        timeout: float = 30.0,
    ) -> int | None:
        """Send one record, wait for its acknowledgement, and return its offset if that is known.

        Raises the broker's error, or BrokerUnavailable after `timeout` seconds.
        """
        outcome, offsets = list[SeedcastError | None](), list[int]()
        self.send(
            topic,
            key=key,
            value=value,
            headers=headers,
            on_delivery=outcome.append,
            on_offset=offsets.append,
        )
        self.flush(timeout)
        if not outcome:
            raise BrokerUnavailable(
                f"producing to {topic}",
                expected=f"an acknowledgement within {timeout:g} s",
                got="none yet",
            )
        if error := outcome[0]:
            self._refuse_right(topic)
            raise error
        return offsets[0] if offsets else None

    def _connect(self) -> Client:
        properties = client_config.producer(self._kafka) | {**self._properties}
        self._errors = ClientErrors(self._kafka, all_errors=self._all_errors)
        self._brokers = LostBrokers()
        properties |= {"error_cb": self._errors} | self._brokers.properties()
        with map_client_errors():
            client = Client(properties, logger=client_config.LOGGER)
        self._errors.client = client
        return client

    def _renew(self) -> bool:
        """Replace a client that has given up; False if that was done a moment ago.

        It gives up if it may write to no topic at all, or if it cannot tell any more what the
        broker has taken, and it may lose all its brokers: a repeat is harmless here.
        """
        if time.monotonic() < self._renew_due:
            return False
        self._renew_due = time.monotonic() + RENEW
        self._replace_client()
        log.warning("kafka_producer_renewed")
        return True

    def _renew_if_lost(self) -> None:
        """A client that has lost all its brokers would never send what it has."""
        if self._brokers.lost:
            self._renew()

    def _replace_client(self) -> None:
        self._serve_the_last()
        self._client = self._connect()

    def _serve_the_last(self) -> None:
        """Report what the client will never send."""
        self._client.purge()
        while len(self._client):
            with suppress(SystemError, KafkaException):
                self._client.poll(0.1)

    def _refuse_right(self, topic: str) -> None:
        """Raises AccessDenied if we may not write there: a client that gives up says no reason."""
        right = Right("Write", "Topic", topic)
        with suppress(KafkaException, TimeoutError):
            if list(access.lacking(AdminClient(client_config.client(self._kafka)), [right])):
                raise access.denied(self._kafka, [right], f"producing to {topic}")

    def _has_given_up(self) -> bool:
        """A topic without a name is never sent; a client that has given up says so first."""
        try:
            self._client.produce("", b"")
        except KafkaException as error:
            return bool(error.args[0].code() == KafkaError._FATAL)
        return False

    def _translate(self, error: KafkaError, topic: str) -> SeedcastError:
        doing = f"producing to {topic}"
        if error.code() == KafkaError._FATAL:
            return BrokerUnavailable(f"{doing}: the client gave up before it was sent")
        return translate(error, doing, self._kafka, Right("Write", "Topic", topic))

    @contextmanager
    def _reports(self) -> Iterator[None]:
        """Raises what a delivery report raised.

        confluent-kafka raises a SystemError for a Ctrl-C inside a report, and also if the client
        has given up (both measured).
        """
        try:
            yield
        except SystemError as error:
            if self._raised is None and self._has_given_up():
                self._serve_the_last()  # the next record renews it
            elif self._raised is None:
                raise KeyboardInterrupt from error
        except KafkaException as error:
            if not self._has_given_up():
                raise translate(error, "producing") from error
            self._serve_the_last()
        self._errors.settle()
        if raised := self._raised:
            self._raised = None
            raise raised


_C_CALL = partial(len, ())


def _drop_pending() -> None:
    """Clear the exception with which confluent-kafka may call a report.

    It sets one if the client has given up, and serves further reports before it raises (measured).
    The next call of a C function would then fail, whatever it does.
    """
    try:
        _C_CALL()
    except SystemError:
        return
