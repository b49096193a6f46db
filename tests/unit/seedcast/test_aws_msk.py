"""Tokens for Amazon MSK: signed by AWS's signer, with whatever keys its chain finds."""

import importlib.util
import time
from base64 import urlsafe_b64decode
from urllib.parse import parse_qs, urlsplit

import pytest

from seedcast.errors import CredentialsRefused, InvalidSettings
from seedcast.kafka import access, aws_msk, client_config
from seedcast.kafka.tokens import tokens
from seedcast.schemas.rights import Right
from seedcast.settings import KafkaSettings


def settings(region: str) -> KafkaSettings:
    return KafkaSettings(
        security_protocol="SASL_SSL", sasl_mechanism="AWS_MSK_IAM", aws_region=region
    )


@pytest.fixture(autouse=True)
def _only_these_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")


def test_a_token_is_a_signed_url_of_the_region_with_its_expiry() -> None:
    kafka = settings("eu-central-1")
    properties = client_config.client(kafka)
    assert properties["sasl.mechanism"] == "OAUTHBEARER"
    token = tokens(kafka).get()
    url = urlsplit(urlsafe_b64decode(token.value + "===").decode())
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.scheme, url.netloc) == ("https", "kafka.eu-central-1.amazonaws.com")
    assert query["Action"] == "kafka-cluster:Connect"
    assert query["X-Amz-Credential"].startswith("AKIDEXAMPLE/")
    assert query["X-Amz-Credential"].endswith("/eu-central-1/kafka-cluster/aws4_request")
    assert query["X-Amz-Expires"] == "900"
    assert len(query["X-Amz-Signature"]) == 64
    assert 890 < token.expires_at - time.time() <= 900
    right = Right("Read", "Topic", "night.results")
    assert "IAM policy" in access.denied(kafka, [right]).remedy


def test_the_region_may_be_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    signed = urlsafe_b64decode(aws_msk.source(settings(""))().value + "===")
    assert signed.startswith(b"https://kafka.us-west-2.amazonaws.com/")


def test_without_a_region_its_settings_are_named() -> None:
    with pytest.raises(InvalidSettings, match="SEEDCAST_KAFKA_AWS_REGION or AWS_REGION"):
        client_config.client(settings(""))


def test_without_keys_awss_chain_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(CredentialsRefused, match="AWS_PROFILE"):
        client_config.client(settings("eu-north-1"))


def test_a_role_keeps_one_session_so_that_a_connection_keeps_its_principal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from botocore.session import Session

    made: list[Session] = []
    begin = Session.__init__
    monkeypatch.setattr(Session, "__init__", lambda self: (made.append(self), begin(self))[1])
    sign = aws_msk.source(settings("eu-west-1"))
    assert sign().value
    assert sign().value
    assert len(made) == 1


def test_a_missing_extra_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_msk, "find_spec", lambda _: None)
    assert importlib.util.find_spec(aws_msk.SIGNER)
    with pytest.raises(InvalidSettings, match=r"pip install 'seedcast\[msk\]'"):
        client_config.client(settings("ap-south-1"))
