"""Asks a token endpoint for a token by client credentials (RFC 6749, section 4.4)."""

import time
from base64 import urlsafe_b64decode
from functools import partial
from typing import Annotated
from urllib.parse import quote_plus

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, SSLError

from seedcast.errors import BrokerUnavailable, CredentialsRefused, InvalidSettings
from seedcast.kafka.tokens import Source, Token
from seedcast.settings import KafkaSettings

TIMEOUT = urllib3.Timeout(connect=5.0, read=5.0)  # seconds
LIFE = 300.0  # seconds, of a token that does not tell its own
MAX_ANSWER = 1024 * 1024  # bytes
_BUSY = 429


class _Granted(msgspec.Struct):
    # RFC 6750, b64token: what may stand in a SASL message
    access_token: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~+/-]+=*$(?!\n)")]
    expires_in: Annotated[float, msgspec.Meta(gt=0)] | None = None


class _Refused(msgspec.Struct):
    error: str = ""
    error_description: str = ""


class _Claims(msgspec.Struct):
    """What a JWT says of itself; not verified here, since the brokers do."""

    sub: str = ""
    exp: float | None = None


def source(kafka: KafkaSettings) -> Source:
    """Return what fetches a token. Raises InvalidSettings."""
    if not kafka.oauth_token_url:
        raise InvalidSettings(
            "SEEDCAST_KAFKA_SASL_MECHANISM is OAUTHBEARER",
            expected="the URL of a token endpoint",
            got="none",
            remedy="set SEEDCAST_KAFKA_OAUTH_TOKEN_URL, SEEDCAST_KAFKA_SASL_USERNAME to the client "
            "id and SEEDCAST_KAFKA_SASL_PASSWORD to its secret, or …_FILE of the last two",
        )
    return partial(_fetch, kafka)


def _fetch(kafka: KafkaSettings) -> Token:
    """Raises CredentialsRefused, BrokerUnavailable, and InvalidSettings for an unreadable secret.

    Id and secret are read each time, so that they can be rotated.
    """
    client_id, secret = kafka.login()
    now = time.time()
    status, body = _post(kafka, client_id, secret)
    if status >= 500 or status == _BUSY:
        raise _unavailable(kafka, f"status {status}")
    if status != 200:
        raise _refused(kafka, f"status {status} {_reason(body)}".strip())
    try:
        granted = msgspec.json.decode(body, type=_Granted, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # The decoder's message may quote the answer, which may hold a token.
        raise _refused(kafka, "an answer without an access token") from error
    claims = _claims(granted.access_token)
    life = granted.expires_in or (claims.exp - now if claims.exp else LIFE)
    return Token(granted.access_token, now + life, claims.sub or client_id)


def _post(kafka: KafkaSettings, client_id: str, secret: str) -> tuple[int, bytes]:
    """Return status and body. Raises BrokerUnavailable."""
    login = urllib3.make_headers(basic_auth=f"{quote_plus(client_id)}:{quote_plus(secret)}")
    fields = {"grant_type": "client_credentials"}
    if kafka.oauth_scope:
        fields["scope"] = kafka.oauth_scope
    try:
        with urllib3.PoolManager(ca_certs=kafka.oauth_ca_location or None) as http:
            answer = http.request(
                "POST",
                kafka.oauth_token_url,
                fields=fields,
                encode_multipart=False,
                headers={**login, "Accept": "application/json"},
                timeout=TIMEOUT,
                retries=False,
                preload_content=False,
            )
            return answer.status, answer.read(MAX_ANSWER)
    except SSLError as error:
        remedy = "set SEEDCAST_KAFKA_OAUTH_CA_LOCATION to the PEM file of its authority"
        raise _unavailable(kafka, str(error), remedy) from error
    except (HTTPError, OSError) as error:
        raise _unavailable(kafka, str(error)) from error


def _reason(body: bytes) -> str:
    try:
        refused = msgspec.json.decode(body, type=_Refused)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    parts = filter(None, (refused.error, refused.error_description))
    return repr(": ".join(parts))[1:-1][:300]


def _claims(token: str) -> _Claims:
    """Return the claims of a JWT; of any other token none."""
    parts = token.split(".")
    try:
        return msgspec.json.decode(urlsafe_b64decode(parts[1] + "==="), type=_Claims)
    except (IndexError, ValueError):  # msgspec's errors are ValueErrors
        return _Claims()


def _unavailable(kafka: KafkaSettings, got: str, remedy: str = "") -> BrokerUnavailable:
    return BrokerUnavailable(
        f"the token endpoint {kafka.oauth_token_url} does not answer",
        got=got,
        remedy=remedy or "check SEEDCAST_KAFKA_OAUTH_TOKEN_URL and that the endpoint runs",
    )


def _refused(kafka: KafkaSettings, got: str) -> CredentialsRefused:
    return CredentialsRefused(
        f"the token endpoint {kafka.oauth_token_url} refuses us",
        got=got,
        remedy="check SEEDCAST_KAFKA_OAUTH_TOKEN_URL, SEEDCAST_KAFKA_OAUTH_SCOPE and the client's "
        "id and secret in SEEDCAST_KAFKA_SASL_USERNAME and SEEDCAST_KAFKA_SASL_PASSWORD, or in "
        "the files of the last two",
    )
