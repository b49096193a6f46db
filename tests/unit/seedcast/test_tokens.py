"""Tokens for Kafka: fetched, kept, renewed, and clear errors where there is none."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError
from pydantic import SecretStr
from structlog.testing import capture_logs

from seedcast.embedded import processes
from seedcast.embedded.stack_state import HOST
from seedcast.errors import (
    BrokerUnavailable,
    CredentialsRefused,
    InvalidSettings,
    SeedcastError,
    Unreachable,
)
from seedcast.kafka import access, client_config
from seedcast.kafka.error_mapping import translate_connecting
from seedcast.kafka.tokens import Token, Tokens, tokens
from seedcast.settings import KafkaSettings
from tests.builders.token_endpoint import TokenEndpoint, token_endpoint

NO_TOKEN = KafkaError(
    KafkaError._AUTHENTICATION,
    "Failed to acquire SASL OAUTHBEARER token: OAuth callback raised exception",
)
REFUSED = KafkaError(KafkaError._AUTHENTICATION, 'SASL authentication error: {"status":"invalid"}')


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with token_endpoint(worker="s3cr+t/ä") as running:
        yield running


def settings(endpoint: TokenEndpoint, **changes: object) -> KafkaSettings:
    fields = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_username": "worker",
        "sasl_password": SecretStr("s3cr+t/ä"),
        "oauth_token_url": endpoint.url,
        "start_timeout": 0.3,
    }
    return KafkaSettings.model_validate(fields | changes)


class Source:
    """Gives tokens of 100 s, numbered, or raises."""

    def __init__(self) -> None:
        self.count, self.error = 0, None
        self.life = 100.0

    def __call__(self) -> Token:
        if self.error:
            raise self.error
        self.count += 1
        return Token(f"token-{self.count}", time.time() + self.life, "me")


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def ours(source: Source) -> Tokens:
    return Tokens(KafkaSettings(oauth_extensions={"logicalCluster": "lkc-1"}), source)


def at(moment: float, monkeypatch: pytest.MonkeyPatch, began: float = time.time()) -> None:
    """Set the clock to so many seconds after the test run began."""
    monkeypatch.setattr(time, "time", lambda: began + moment)


def test_a_token_is_asked_for_by_client_credentials_and_scope(endpoint: TokenEndpoint) -> None:
    found = tokens(settings(endpoint, oauth_scope="kafka:write")).get()
    assert found.value.count(".") == 2
    assert found.subject == "worker"
    assert 290 < found.expires_at - time.time() <= 300
    [form] = endpoint.asked
    assert (form["client"], form["scope"]) == ("worker", "kafka:write")


def test_both_libraries_show_one_token_and_librdkafka_asks_again_soon(
    endpoint: TokenEndpoint,
) -> None:
    kafka = settings(endpoint, oauth_extensions={"logicalCluster": "lkc-1"})
    properties = client_config.producer(kafka)
    assert properties["sasl.mechanism"] == "OAUTHBEARER"
    assert "sasl.password" not in properties
    value, lent_until, subject, extensions = properties["oauth_cb"]("")  # type: ignore[operator]
    assert (value, subject) == (tokens(kafka).get().value, "worker")
    assert extensions == {"logicalCluster": "lkc-1"}
    assert 50 < lent_until - time.time() <= 60
    assert endpoint.granted() == 1
    assert access.principal(kafka) == "User:worker"


def test_a_secret_in_a_file_is_read_for_each_token(endpoint: TokenEndpoint, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("wrong\n")
    kafka = settings(endpoint, sasl_password=SecretStr(""), sasl_password_file=str(file))
    with pytest.raises(CredentialsRefused, match="invalid_client"):
        tokens(kafka).get()
    file.write_text("s3cr+t/ä\n")
    assert tokens(kafka).get().subject == "worker"


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (401, b'{"error": "invalid_client"}', CredentialsRefused, "status 401 invalid_client"),
        (403, b"<html>", CredentialsRefused, "status 403"),
        (302, b"", CredentialsRefused, "status 302"),
        (200, b"<html>welcome", CredentialsRefused, "without an access token"),
        (200, b'{"access_token": "a\\u0001b"}', CredentialsRefused, "without an access token"),
        (200, b'{"access_token": 7}', CredentialsRefused, "without an access token"),
        (200, b"\xff", CredentialsRefused, "without an access token"),
        (503, b"", BrokerUnavailable, "status 503"),
        (429, b"", BrokerUnavailable, "status 429"),
    ],
)
def test_an_answer_without_a_token_is_refused_or_waited_out(
    endpoint: TokenEndpoint, status: int, body: bytes, kind: type[SeedcastError], told: str
) -> None:
    endpoint.status, endpoint.body = status, body
    with pytest.raises(kind) as raised:
        tokens(settings(endpoint)).get()
    assert type(raised.value) is kind
    assert endpoint.url in raised.value.what
    assert told in raised.value.got
    assert "SEEDCAST_KAFKA_OAUTH_TOKEN_URL" in raised.value.remedy
    assert "s3cr" not in str(raised.value)


@pytest.mark.parametrize(
    "body", [b'{"access_token": "opaque"}', b'{"access_token": "opaque", "expires_in": "300"}']
)
def test_a_token_that_is_no_jwt_lives_as_long_as_its_answer_says(
    endpoint: TokenEndpoint, body: bytes
) -> None:
    endpoint.body = body
    found = tokens(settings(endpoint)).get()
    assert (found.value, found.subject) == ("opaque", "worker")
    assert 290 < found.expires_at - time.time() <= 300


def test_a_start_waits_for_the_endpoint_and_names_it() -> None:
    [closed] = processes.free_ports(0)
    kafka = settings(TokenEndpoint(closed))
    with pytest.raises(Unreachable, match=r"within 0\.3 s") as raised:
        client_config.client(kafka)
    assert f"{HOST}:{closed}" in raised.value.what
    assert "SEEDCAST_KAFKA_OAUTH_TOKEN_URL" in raised.value.remedy


def test_a_refusal_ends_a_start_at_once(endpoint: TokenEndpoint) -> None:
    endpoint.secrets.clear()
    with pytest.raises(CredentialsRefused, match="SEEDCAST_KAFKA_SASL_PASSWORD"):
        client_config.client(settings(endpoint))
    assert len(endpoint.asked) == 1


def test_an_authority_that_is_not_there_names_its_setting(endpoint: TokenEndpoint) -> None:
    kafka = settings(
        endpoint,
        oauth_token_url=endpoint.url.replace("http:", "https:"),
        oauth_ca_location="no-such.pem",
    )
    with pytest.raises(Unreachable, match="SEEDCAST_KAFKA_OAUTH_CA_LOCATION"):
        client_config.client(kafka)


def test_without_a_token_endpoint_the_setting_is_named() -> None:
    kafka = KafkaSettings(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER")
    with pytest.raises(InvalidSettings, match="SEEDCAST_KAFKA_OAUTH_TOKEN_URL"):
        client_config.client(kafka)


def test_a_token_is_renewed_before_librdkafka_asks_for_it(
    ours: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment, value in ((0, "token-1"), (74, "token-1"), (76, "token-2"), (150, "token-2")):
        at(moment, monkeypatch)
        assert ours.get().value == value


def test_the_last_token_serves_as_long_as_it_lives_while_no_new_one_comes(
    ours: Tokens, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(0, monkeypatch)
    ours.get()
    source.error = BrokerUnavailable("away")
    with capture_logs() as logs:
        at(90, monkeypatch)
        assert ours.callback("")[:2] == ("token-1", pytest.approx(time.time() + 10))
    assert [line["event"] for line in logs] == ["token_not_renewed"]
    at(96, monkeypatch)
    with pytest.raises(BrokerUnavailable):
        ours.require()
    assert ours.problem is source.error
    source.error = None
    assert ours.get().value == "token-2"
    assert ours.problem is None


def test_a_token_that_brokers_refuse_is_renewed_but_not_many_times_a_second(
    endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = settings(endpoint)
    tokens(kafka).get()
    for _ in range(100):
        told = translate_connecting(REFUSED, "connecting", kafka)
        assert isinstance(told, CredentialsRefused)
        assert "SEEDCAST_KAFKA_OAUTH_SCOPE" in told.remedy
        tokens(kafka).get()
    assert endpoint.granted() == 1
    monkeypatch.setattr(tokens(kafka), "_fetched_at", time.time() - 11)
    translate_connecting(REFUSED, "connecting", kafka)
    tokens(kafka).get()
    assert endpoint.granted() == 2


def test_a_client_without_a_token_tells_why_there_is_none(endpoint: TokenEndpoint) -> None:
    kafka = settings(endpoint)
    endpoint.status = 503
    with pytest.raises(BrokerUnavailable):
        tokens(kafka).get()
    told = translate_connecting(NO_TOKEN, "connecting", kafka)
    assert isinstance(told, BrokerUnavailable)
    assert endpoint.url in told.what
