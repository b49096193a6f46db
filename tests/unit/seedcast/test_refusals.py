"""What refuses credentials or rights in mid-run: secrets are read again, and it is said once."""

from pathlib import Path

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from seedcast.errors import (
    AccessDenied,
    BrokerUnavailable,
    CredentialsRefused,
    InvalidSettings,
    OffsetsLost,
    SeedcastError,
)
from seedcast.health import Readiness
from seedcast.kafka import access, access_watch, in_mid_run
from seedcast.kafka.access_watch import ACCESS, AccessWatch
from seedcast.kafka.client_errors import ClientErrors
from seedcast.kafka.error_mapping import translate
from seedcast.schemas import rights
from seedcast.schemas.rights import OWN_GROUP, ROLES, Right
from seedcast.settings import KafkaSettings, Settings

REFUSED = KafkaError(KafkaError._AUTHENTICATION, "SASL authentication error")
READ = Right("Read", "Topic", "night.results")


class Client:
    def __init__(self) -> None:
        self.logins: list[tuple[str, str]] = []

    def set_sasl_credentials(self, username: str, password: str) -> None:
        self.logins.append((username, password))


def in_files(folder: Path, username: str, password: str) -> KafkaSettings:
    (folder / "username").write_text(username)
    (folder / "password").write_text(password)
    return KafkaSettings(
        security_protocol="SASL_SSL",
        sasl_username_file=str(folder / "username"),
        sasl_password_file=str(folder / "password"),
    )


def test_a_refused_password_is_read_again_and_given_to_the_client_once(tmp_path: Path) -> None:
    errors, client = ClientErrors(in_files(tmp_path, "us\n", "first\n")), Client()
    errors.client = client
    errors(REFUSED)
    errors.settle()
    assert client.logins == []
    (tmp_path / "password").write_text("second\n")
    for _ in range(2):
        errors(REFUSED)
        assert client.logins in ([], [("us", "second")]), "the callback itself calls no client"
        errors.settle()
    assert client.logins == [("us", "second")]


def test_a_secret_that_is_just_mounted_anew_is_waited_for(tmp_path: Path) -> None:
    errors, client = ClientErrors(in_files(tmp_path, "us", "first")), Client()
    errors.client = client
    (tmp_path / "password").unlink()
    errors(REFUSED)
    errors.settle()
    (tmp_path / "password").write_text("second")
    errors(REFUSED)
    errors.settle()
    assert client.logins == [("us", "second")]


def test_refused_credentials_are_loud_and_not_said_many_times_a_second(tmp_path: Path) -> None:
    errors = ClientErrors(in_files(tmp_path, "us", "first"))
    with capture_logs() as logs:
        for _ in range(100):
            errors(REFUSED)
    [line] = logs
    assert line["log_level"] == "error"
    assert "SEEDCAST_KAFKA_SASL_PASSWORD" in line["problem"]
    assert "first" not in line["problem"]


def test_a_secret_file_that_is_missing_at_the_start_is_named(tmp_path: Path) -> None:
    kafka = in_files(tmp_path, "us", "first")
    (tmp_path / "password").unlink()
    with pytest.raises(InvalidSettings, match=r"password.*No such file"):
        kafka.login()


def test_what_is_refused_and_its_end_are_logged_once_and_change_readiness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access_watch, "INTERVAL", 3600.0)
    readiness = Readiness(ACCESS)
    watch = AccessWatch(Settings(), rights.GPU_CONSUMER, readiness)
    with capture_logs() as logs:
        for problem in (None, "Write on Topic audio", "Write on Topic audio", None, None):
            watch.report(problem)
            assert readiness.missing == ((ACCESS,) if problem else ())
    watch.close()
    assert [line["event"] for line in logs] == ["access_refused", "access_restored"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CredentialsRefused("no", remedy="correct it"), BrokerUnavailable),
        (AccessDenied("no", remedy="correct it"), BrokerUnavailable),
        (OffsetsLost("gone", remedy="correct it"), OffsetsLost),
    ],
)
def test_only_refusals_are_waited_out_in_mid_run(
    error: SeedcastError, kind: type[SeedcastError]
) -> None:
    assert type(in_mid_run(error)) is kind
    assert in_mid_run(error).remedy == "correct it"


@pytest.mark.parametrize(
    ("settings", "who"),
    [
        ({"security_protocol": "SASL_SSL", "sasl_username": "anna"}, "User:anna"),
        ({"security_protocol": "SSL", "ssl_certificate_location": "me.pem"}, "certificate me.pem"),
        ({}, "User:ANONYMOUS"),
    ],
)
def test_a_missing_right_names_user_operation_and_resource(
    settings: dict[str, str], who: str
) -> None:
    kafka = KafkaSettings.model_validate(settings)
    assert who in access.principal(kafka)
    code = KafkaError.TOPIC_AUTHORIZATION_FAILED
    error = translate(KafkaError(code), "reading", kafka, READ)
    assert isinstance(error, AccessDenied)
    assert who in error.what
    assert error.expected == "Read on Topic night.results"
    assert "--operation Read --topic night.results" in error.remedy


def test_the_rights_of_a_role_have_the_names_of_a_deployment_and_of_the_subscribers_group() -> None:
    found = set(rights.SUBSCRIBER.rights("night", "billing"))
    assert found == {READ, Right("Read", "Group", "night.billing")}
    names = {right.name for role in ROLES for right in role.rights("night")}
    assert all(name.startswith("night.") for name in names)
    assert f"night.{OWN_GROUP}" in names
