"""What a librdkafka client reports of itself, and the password that it gets anew."""

import time
from typing import Any

import structlog
from confluent_kafka import KafkaError

from seedcast.errors import CredentialsRefused, InvalidSettings, Retryable, SeedcastError
from seedcast.kafka.error_mapping import translate_connecting
from seedcast.settings import KafkaSettings

log = structlog.get_logger(__name__)

QUIET = (
    10.0  # seconds between two log lines about refused credentials: it tries many times a second
)


class ClientErrors:
    """A client's error callback: logs, and reads a refused password again from its file.

    The client uses the new password for its next connection, which it tries by itself. A client
    that has no callback reports nothing at all.
    """

    def __init__(self, kafka: KafkaSettings, *, all_errors: bool = False) -> None:
        """With `all_errors`, log what is not about credentials, too."""
        self._kafka, self._all_errors = kafka, all_errors
        self._has_password = kafka.uses_sasl and not kafka.uses_token
        self._login = kafka.login() if self._has_password else ("", "")
        self._quiet_until = 0.0
        self._renew_due = False
        self.refused: CredentialsRefused | None = None  # the last refusal
        self.problem: SeedcastError | None = None  # the last that says what to do
        self.client: Any = None  # set once there is one

    def __call__(self, error: KafkaError) -> None:
        mapped = translate_connecting(error, "Kafka client", self._kafka)
        self.problem = mapped if mapped.remedy else self.problem
        if isinstance(mapped, CredentialsRefused):
            self.refused, self._renew_due = mapped, True
            if time.monotonic() < self._quiet_until:
                return
            self._quiet_until = time.monotonic() + QUIET
        elif not self._all_errors:
            return
        report = log.warning if isinstance(mapped, Retryable) else log.error
        report("kafka_client", problem=str(mapped))

    def settle(self) -> None:
        """Do what the callback must not: call the client. Call it after every poll.

        confluent-kafka aborts the process if a callback calls its client (measured).
        """
        if self._renew_due:
            self._renew_due = False
            self._renew()

    def _renew(self) -> None:
        if not self._has_password:
            return
        try:
            login = self._kafka.login()
        except (
            InvalidSettings
        ) as error:  # a secret is being mounted anew: the next refusal reads it
            log.warning("secret_unreadable", problem=str(error))
            return
        if login != self._login and self.client is not None:
            self.client.set_sasl_credentials(*login)
            self._login = login
            log.info("password_renewed", next="the client connects again")
