"""Faust in the subset that keeps records: what is set here is set for a reason, given beside it."""

import ssl
from collections.abc import Callable
from typing import Any

import faust

from schemas.topics import AUDIO, AUDIO_URGENT, DEAD_LETTERS, HEADER_ROOM, MIB
from seedcast.settings import KafkaSettings, Settings
from stream_apps.postprocess.faust_transport import LOGGER, Transport

DAY = 86_400.0  # seconds
GROUP = "postprocess"


class App(faust.App):
    """Says when a rebalance begins: Faust itself has signals for its end only, when waiting has become a deadlock. Keeps the first reason to crash."""

    logger = LOGGER
    served_first = ""  # topic
    rebalance_began: Callable[[], object] = staticmethod(
        lambda: None
    )  # called from the consumer's thread

    def on_rebalance_start(self) -> None:
        super().on_rebalance_start()
        self.rebalance_began()

    def _crash(self, reason: BaseException) -> None:
        super()._crash(self.crash_reason or reason)

    def _create_directories(self) -> None:
        """For tables, of which there are none: a worker needs no disk."""


def build(settings: Settings) -> App:
    """An app that has no agent yet."""
    kafka = settings.kafka
    app = App(
        settings.group(GROUP),
        broker=[f"kafka://{address.strip()}" for address in kafka.bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        broker_client_id="seedcast-postprocess",
        broker_session_timeout=kafka.session_timeout,  # the default, 60 s, is how long a crash would stall the group
        broker_heartbeat_interval=kafka.session_timeout / 3,
        broker_request_timeout=max(30.0, kafka.session_timeout),
        broker_max_poll_interval=DAY,  # a back-off holds the stream as long as the store is away; the watchdog finds a hang
        broker_max_poll_records=max(
            1, settings.postprocess.batch // 4
        ),  # what was polled blocks the urgent lane until the buffer has taken it
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=2
        * MIB,  # prefetched per partition; a record that is larger comes alone
        producer_acks=-1,
        producer_max_request_size=max(AUDIO.max_bytes, DEAD_LETTERS.max_bytes) + HEADER_ROOM,
        producer_request_timeout=10.0,  # then the send raises, is logged and repeated; the default is 20 minutes
        stream_buffer_maxsize=2
        * settings.postprocess.batch,  # events hold their audio; the default, 4,096, is gigabytes
        stream_processing_timeout=DAY,  # what Faust would log as a stall is a back-off, which says so itself
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,  # topics are created by seedcast.kafka, from the table
        autodiscover=False,
        worker_redirect_stdouts=False,
    )
    app.transport = Transport(app.conf.broker, app)
    app.served_first = settings.topic(AUDIO_URGENT)
    return app


def _credentials(kafka: KafkaSettings) -> Any:
    """None, or Faust's credentials of the same meaning as librdkafka's settings."""
    context = _ssl_context(kafka) if kafka.security_protocol.endswith("SSL") else None
    if kafka.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password.get_secret_value(),
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
