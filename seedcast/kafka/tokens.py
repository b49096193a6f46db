"""Tokens for SASL/OAUTHBEARER: kept and renewed in one place, for both of Kafka's client libraries.

Where a token comes from: `oidc` asks a token endpoint, `aws_msk` signs one for Amazon MSK.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from seedcast.errors import Retryable, SeedcastError, Unreachable
from seedcast.retry import BRIEF_BACKOFF, retry
from seedcast.settings import KafkaSettings

log = structlog.get_logger(__name__)

RENEW_SHARE = 0.75  # of its life: before librdkafka asks, at 0.8 of it
SPARE = 5.0  # seconds that a token must live on to be used once more when no new one comes
# Seconds for which librdkafka is given a token. It asks again at 0.8 of that, and so hears of a new
# token soon when the brokers refuse the old one.
LEND = 60.0
ASK_AGAIN = 10.0  # seconds between two tokens at least, if the brokers refuse the first


@dataclass(frozen=True)
class Token:
    value: str
    expires_at: float  # seconds since the epoch
    subject: str  # who it says we are; empty if it does not tell


Source = Callable[[], Token]  # raises CredentialsRefused, Retryable and InvalidSettings


class Tokens:
    """The token of one process for one kind of credentials. Safe to use from several threads."""

    def __init__(self, kafka: KafkaSettings, source: Source) -> None:
        self._source, self._extensions = source, dict(kafka.oauth_extensions)
        self._start_timeout = kafka.start_timeout
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._fetched_at = self._renew_at = 0.0  # seconds since the epoch
        self.problem: SeedcastError | None = None  # why there is no new token

    @property
    def subject(self) -> str:
        return self._token.subject if self._token else ""

    def get(self) -> Token:
        """Return the token, renewed when most of its life is over or brokers have refused it.

        Raises CredentialsRefused, BrokerUnavailable and InvalidSettings.
        """
        with self._lock:
            token, now = self._token, time.time()
            if token is None or now >= self._renew_at:
                token = self._token = self._renew(token, now)
            return token

    def require(self) -> None:
        """Have a token before a client is made. At a start, wait for it as for the brokers.

        Without one, confluent-kafka's constructors wait 10 s and end in a SystemError (measured).
        Raises what `get` raises, but Unreachable if there has been no token yet.
        """
        if self._token:
            self.get()
            return
        try:
            retry(self.get, seconds=self._start_timeout, backoff=BRIEF_BACKOFF)
        except Retryable as error:
            raise Unreachable(
                error.what,
                expected=f"a token within {self._start_timeout:g} s",
                got=error.got,
                remedy=error.remedy,
            ) from error

    def discard(self) -> None:
        """Renew the token when it is asked for next: the brokers refuse it."""
        if time.time() - self._fetched_at >= ASK_AGAIN:
            self._renew_at = 0.0

    def callback(self, _config: str) -> tuple[str, float, str, dict[str, str]]:
        """Answer librdkafka, on a thread of its own. It reports an exception as an error event."""
        token = self.get()
        lent = min(token.expires_at, time.time() + LEND)
        return token.value, lent, token.subject, self._extensions

    def _renew(self, old: Token | None, now: float) -> Token:
        was_refused = self._renew_at == 0.0
        try:
            token = self._source()
        except SeedcastError as error:
            self.problem = error
            if old is None or was_refused or old.expires_at < now + SPARE:
                raise
            log.warning("token_not_renewed", problem=str(error), next="the last one is used again")
            return old
        self.problem = None
        self._fetched_at = now
        self._renew_at = now + RENEW_SHARE * (token.expires_at - now)
        return token


_tokens: dict[tuple[object, ...], Tokens] = {}
_making = threading.Lock()


def tokens(kafka: KafkaSettings) -> Tokens:
    """Return this process's tokens for these credentials."""
    key = (
        kafka.sasl_mechanism,
        kafka.oauth_token_url,
        kafka.oauth_scope,
        tuple(sorted(kafka.oauth_extensions.items())),
        kafka.oauth_ca_location,
        kafka.sasl_username,
        kafka.sasl_username_file,
        kafka.sasl_password.get_secret_value(),
        kafka.sasl_password_file,
        kafka.aws_region,
        kafka.start_timeout,
    )
    with _making:
        if key not in _tokens:
            _tokens[key] = Tokens(kafka, _source(kafka))
        return _tokens[key]


def _source(kafka: KafkaSettings) -> Source:
    if kafka.sasl_mechanism == "AWS_MSK_IAM":
        from seedcast.kafka import aws_msk

        return aws_msk.source(kafka)
    from seedcast.kafka import oidc

    return oidc.source(kafka)
