"""Faust in the subset that keeps records. Each setting has its reason beside it."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import faust
import structlog

from seedcast.schemas.topics import DEAD_LETTERS, HEADER_ROOM, MIB, POSTPROCESS, URGENT
from seedcast.settings import KafkaSettings, Settings
from seedcast.stream_apps.postprocess.faust_transport import LOGGER, Transport
from seedcast.stream_apps.postprocess.token_provider import TokenProvider

log = structlog.get_logger(__name__)

DAY = 86_400.0  # seconds


class App(faust.App):
    """Reports the beginning of a rebalance, and keeps the first reason of a crash.

    Faust itself signals only the end of a rebalance, when waiting has become a deadlock.
    """

    logger = LOGGER
    served_first = ""  # topic
    rebalance_began: Callable[[], object] = staticmethod(lambda: None)  # on the consumer's thread

    def on_rebalance_start(self) -> None:
        super().on_rebalance_start()
        self.rebalance_began()

    def _crash(self, reason: BaseException) -> None:
        super()._crash(self.crash_reason or reason)

    def _create_directories(self) -> None:
        """Do nothing: directories are for tables, and there are none. A worker needs no disk."""


def build_app(settings: Settings) -> App:
    """Return an app that has no agent yet."""
    kafka, batch = settings.kafka, settings.postprocess.batch
    app = App(
        settings.group(POSTPROCESS.name),
        broker=[f"kafka://{address.strip()}" for address in kafka.bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        broker_client_id="seedcast-postprocess",
        # By default a crash stalls the group for 60 s.
        broker_session_timeout=kafka.session_timeout,
        broker_heartbeat_interval=kafka.session_timeout / 3,
        broker_request_timeout=max(30.0, kafka.session_timeout),
        # A retry holds the stream as long as the store is away. The watchdog finds a hang.
        broker_max_poll_interval=DAY,
        # Polled records block the urgent lane until the buffer has taken them.
        broker_max_poll_records=max(1, batch // 4),
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=2 * MIB,  # prefetched per partition; a larger record comes alone
        producer_acks=-1,
        producer_max_request_size=DEAD_LETTERS.max_bytes + HEADER_ROOM,  # it sends no audio
        # After it a send raises, is logged and repeated. The default is 20 minutes.
        producer_request_timeout=10.0,
        # Events hold their audio: the default, 4,096 events, is gigabytes.
        stream_buffer_maxsize=2 * batch,
        # Faust would log a retry as a stall; retries are logged where they happen.
        stream_processing_timeout=DAY,
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,  # seedcast.kafka creates the topics, from the table
        autodiscover=False,
        worker_redirect_stdouts=False,
    )
    app.transport = Transport(app.conf.broker, app)
    app.served_first = settings.topic(URGENT.audio)
    return app


def renew_login(app: App, kafka: KafkaSettings) -> None:
    """Give the clients the user name and password as they are now, for their next connections.

    Raises InvalidSettings if a file with a secret cannot be read.
    """
    if kafka.uses_token or not kafka.uses_sasl:
        return
    username, password = kafka.login()
    for client in _clients(app):
        if (client._sasl_plain_username, client._sasl_plain_password) != (username, password):
            client._sasl_plain_username, client._sasl_plain_password = username, password
            log.info("password_renewed", next="the client connects again")


def _clients(app: App) -> Iterator[Any]:
    """Yield aiokafka's clients of the producer and of the consumer, as far as they have started."""
    producer: Any = app.producer
    if producer._producer is not None:
        yield producer._producer.client
    thread: Any = getattr(app.consumer, "_thread", None)
    if thread is not None and thread._consumer is not None:
        yield thread._consumer._client


def _credentials(kafka: KafkaSettings) -> Any:
    """Return Faust's credentials of the same meaning as librdkafka's settings, or None."""
    context = _ssl_context(kafka) if kafka.security_protocol.endswith("SSL") else None
    if kafka.uses_token:
        return faust.OAuthCredentials(oauth_cb=TokenProvider(kafka), ssl_context=context)
    if kafka.uses_sasl:
        username, password = kafka.login()
        return faust.SASLCredentials(
            username=username,
            password=password,
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None


def _ssl_context(kafka: KafkaSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=kafka.ssl_ca_location or None)
    if kafka.ssl_certificate_location:
        context.load_cert_chain(
            kafka.ssl_certificate_location,
            kafka.ssl_key_location or None,
            kafka.ssl_key_password.get_secret_value() or None,
        )
    return context
