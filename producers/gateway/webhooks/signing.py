"""Standard Webhooks (standardwebhooks.com): the headers by which a receiver knows its sender."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from seedcast.storage.accounts.webhook_secrets import PREFIX


def headers(event_id: str, body: bytes, secrets: Iterable[str], now: datetime) -> dict[str, str]:
    """Return id, time and signatures of one attempt. The id is the same at each.

    Each secret makes a signature; a receiver that knows one of them takes the call.
    """
    timestamp = str(int(now.timestamp()))
    signed = b".".join((event_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(each, signed)}" for each in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
