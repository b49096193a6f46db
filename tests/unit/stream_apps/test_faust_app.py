"""Faust as the worker configures it: nothing is lost by default, and no error is unforeseen."""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import aiokafka.errors
import faust.exceptions
import pytest
from pydantic import SecretStr

from seedcast.embedded import connected
from seedcast.embedded.stack_state import State, write
from seedcast.errors import InvalidSettings, Poison, Retryable
from seedcast.kafka import client_config
from seedcast.schemas.topics import DEAD_LETTERS, RESULTS
from seedcast.settings import KafkaSettings, PostprocessSettings, S3Settings, Settings
from seedcast.stream_apps.postprocess.digest_key import require_digest_key
from seedcast.stream_apps.postprocess.error_mapping import FOREIGN, translate
from seedcast.stream_apps.postprocess.faust_app import build_app, renew_login
from tests.builders.token_endpoint import token_endpoint


def configured(**kafka: object) -> object:
    return Settings(kafka=KafkaSettings(**{"bootstrap": "a:1, b:2"} | kafka))  # type: ignore[arg-type]


def test_every_default_that_loses_records_or_memory_is_set() -> None:
    app = build_app(configured(prefix="deployment"))  # type: ignore[arg-type]
    conf = app.conf
    assert conf.id == "deployment.postprocess"
    assert [f"{url.host}:{url.port}" for url in conf.broker] == ["a:1", "b:2"]
    assert (conf.web_enabled, conf.topic_disable_leader, conf.topic_allow_declare) == (
        False,
        True,
        False,
    )
    assert (conf.producer_acks, conf.consumer_auto_offset_reset) == (-1, "earliest")
    assert conf.processing_guarantee.value == "at_least_once"
    assert (conf.broker_session_timeout, conf.stream_wait_empty) == (10.0, True)
    assert conf.stream_buffer_maxsize <= 64
    assert conf.broker_max_poll_interval >= 3600
    assert conf.producer_max_request_size > max(RESULTS.max_bytes, DEAD_LETTERS.max_bytes)


def test_credentials_mean_to_faust_what_they_mean_to_librdkafka() -> None:
    assert build_app(configured()).conf.broker_credentials is None  # type: ignore[arg-type]
    tls = build_app(configured(security_protocol="SSL")).conf.broker_credentials  # type: ignore[arg-type]
    assert tls.protocol.value == "SSL"
    assert tls.context.verify_mode == ssl.CERT_REQUIRED
    for protocol in ("SASL_PLAINTEXT", "SASL_SSL"):
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            wanted = {
                "security_protocol": protocol,
                "sasl_mechanism": mechanism,
                "sasl_username": "me",
                "sasl_password": SecretStr("mine"),
            }
            found = build_app(configured(**wanted)).conf.broker_credentials  # type: ignore[arg-type]
            assert (
                found.protocol.value,
                found.mechanism.value,
                found.username,
                found.password,
            ) == (protocol, mechanism, "me", "mine")


def test_faust_shows_the_token_of_librdkafkas_clients_and_waits_where_there_is_none() -> None:
    with token_endpoint(worker="secret") as endpoint:
        wanted = {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_username": "worker",
            "sasl_password": SecretStr("secret"),
            "oauth_token_url": endpoint.url,
            "oauth_extensions": {"logicalCluster": "lkc-1"},
        }
        settings = configured(**wanted)
        app = build_app(settings)  # type: ignore[arg-type]
        found = app.conf.broker_credentials
        assert (found.protocol.value, found.mechanism.value) == ("SASL_PLAINTEXT", "OAUTHBEARER")
        endpoint.status = 503
        with pytest.raises(aiokafka.errors.KafkaConnectionError, match="does not answer"):
            asyncio.run(found.oauth_cb.token())
        endpoint.status = 200
        token = asyncio.run(found.oauth_cb.token())
        shared = client_config.client(settings.kafka)["oauth_cb"]  # type: ignore[attr-defined]
        assert shared("")[0] == token  # type: ignore[operator]
        assert endpoint.granted() == 1
        assert found.oauth_cb.extensions() == {"logicalCluster": "lkc-1"}
        renew_login(app, settings.kafka)  # type: ignore[attr-defined]


def exceptions_of(module: object, base: type[BaseException]) -> list[type[BaseException]]:
    """All exceptions that take no arguments.

    Two are left out: a base class, and an error of Faust's models, which are not used.
    """
    named = (
        found
        for name, found in vars(module).items()
        if name not in ("BrokerResponseError", "ValidationError")
    )
    return [found for found in named if isinstance(found, type) and issubclass(found, base)]


@pytest.mark.parametrize(
    "kind",
    [
        *exceptions_of(aiokafka.errors, aiokafka.errors.KafkaError),
        *exceptions_of(faust.exceptions, faust.exceptions.FaustError),
    ],
)
def test_every_exception_of_the_libraries_is_caught_and_either_retried_or_poison(
    kind: type[BaseException],
) -> None:
    assert issubclass(kind, FOREIGN)
    too_large = kind.__name__ in ("MessageSizeTooLargeError", "RecordListTooLargeError")
    assert isinstance(translate(kind(), "producing"), Poison if too_large else Retryable)


def test_importing_the_worker_configures_nothing_and_starts_nothing() -> None:
    script = (
        "import logging, threading, seedcast.stream_apps.postprocess.app; "
        "print(logging.getLogger().handlers, threading.active_count())"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout
        == "[] 1\n"
    )


def test_receipts_need_a_key_of_ones_own_outside_the_embedded_stack(
    tmp_path: Path,
) -> None:
    write(tmp_path, State(broker_port=1, s3_port=2))
    embedded = connected(Settings(home=tmp_path))
    elsewhere = embedded.model_copy(update={"s3": S3Settings(endpoint="https://s3.example")})
    require_digest_key(embedded)
    require_digest_key(
        elsewhere.model_copy(
            update={"postprocess": PostprocessSettings(digest_key=SecretStr("my own"))}
        )
    )
    for key in ({}, {"digest_key": SecretStr("")}):
        with pytest.raises(InvalidSettings, match="SEEDCAST_POSTPROCESS_DIGEST_KEY"):
            require_digest_key(
                elsewhere.model_copy(update={"postprocess": PostprocessSettings(**key)})
            )
