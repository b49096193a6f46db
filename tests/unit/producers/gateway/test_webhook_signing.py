"""Who receives a delivery can verify it, and nobody reads the secret that it is signed with."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import openai
import pytest
from pydantic import SecretStr

from seedcast.errors import InvalidSettings
from seedcast.producers.gateway.webhooks.signing import headers
from seedcast.settings import AccountsSettings, WebhookSettings
from seedcast.storage.accounts.webhook_secrets import Sealer, SecretUnreadable, hint, new_secret
from tests.builders import pages

# The example of the specification, of https://github.com/standard-webhooks/standard-webhooks
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
AT, SIGNATURE = 1614265330, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def sealer(*keys: str) -> Sealer:
    return Sealer(WebhookSettings(key=SecretStr("\n".join(keys))), AccountsSettings())


def test_a_signature_is_that_of_the_specification() -> None:
    made = headers(EVENT, BODY, [SECRET], datetime.fromtimestamp(AT, UTC))
    assert made == {
        "webhook-id": EVENT,
        "webhook-timestamp": str(AT),
        "webhook-signature": SIGNATURE,
    }


def test_the_openai_client_takes_what_is_signed_and_nothing_else() -> None:
    client, secret = openai.OpenAI(api_key="none"), new_secret()
    body = msgspec.json.encode(
        {"id": "evt-1", "type": "batch.completed", "created_at": 1, "data": {"id": "batch-7"}}
    )
    signed = headers("evt-1", body, [secret], datetime.now(UTC))
    event = client.webhooks.unwrap(body, signed, secret=secret)
    assert (event.type, event.data.id) == ("batch.completed", "batch-7")
    old = headers("evt-1", body, [secret], datetime.fromtimestamp(time.time() - 600, UTC))
    for wrong in (
        (body + b" ", signed, secret),
        (body, signed, new_secret()),
        (body, old, secret),
        (body, signed | {"webhook-id": "evt-2"}, secret),
    ):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            client.webhooks.unwrap(wrong[0], wrong[1], secret=wrong[2])


def test_a_call_that_two_secrets_sign_is_taken_by_who_has_either() -> None:
    client, old, new = openai.OpenAI(api_key="none"), new_secret(), new_secret()
    body = b'{"id": "evt-1", "type": "batch.completed", "created_at": 1, "data": {"id": "b"}}'
    signed = headers("evt-1", body, [new, old], datetime.now(UTC))
    for secret in (old, new):
        client.webhooks.unwrap(body, signed, secret=secret)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        client.webhooks.unwrap(body, signed, secret=new_secret())


def test_the_example_without_a_library_verifies_the_same() -> None:
    [block] = [
        each
        for each in pages.blocks((pages.DOCS / "webhooks.md").read_text())
        if "def is_genuine" in each.text
    ]
    written: dict[str, Callable[..., bool]] = {}
    exec(block.text, written)  # noqa: S102  # our own page
    secret, now = new_secret(), datetime.now(UTC)
    signed = headers(EVENT, BODY, [secret], now)
    is_genuine = written["is_genuine"]
    assert is_genuine(secret, signed, BODY)
    assert not is_genuine(new_secret(), signed, BODY)
    assert not is_genuine(secret, signed, BODY + b" ")
    old = headers(EVENT, BODY, [secret], datetime.fromtimestamp(AT, UTC))
    assert not is_genuine(secret, old, BODY)


def test_secrets_are_new_and_hints_tell_little() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    secret = made.pop()
    assert hint(secret) == f"whsec_…{secret[-4:]}"


def test_a_secret_is_stored_encrypted_and_keys_can_be_replaced() -> None:
    secret = new_secret()
    sealed = sealer("old").seal(secret)
    assert secret.encode() not in sealed
    assert sealer("old").open(sealed) == secret
    assert sealer("new", "old").open(sealed) == secret
    renewed = sealer("new", "old").seal(secret)
    assert sealer("new").open(renewed) == secret
    with pytest.raises(SecretUnreadable):
        sealer("new").open(sealed)


def test_without_a_key_nothing_is_encrypted() -> None:
    with pytest.raises(InvalidSettings, match="SEEDCAST_WEBHOOKS_KEY_FILE"):
        sealer(" ")


def test_the_default_key_is_for_a_file_of_ones_own() -> None:
    usual = WebhookSettings()
    made = Sealer(usual, AccountsSettings(url="sqlite:///a.sqlite")).seal(new_secret())
    server = Sealer(usual, AccountsSettings(url="postgresql://a@b/c"))
    with pytest.raises(InvalidSettings, match="SEEDCAST_WEBHOOKS_KEY_FILE"):
        server.seal(new_secret())
    assert server.open(made)
