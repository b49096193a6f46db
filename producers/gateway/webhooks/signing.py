"""Standard Webhooks (standardwebhooks.com): the headers by which a receiver knows its sender."""

import base64
import hashlib
import hmac
from datetime import datetime

from seedcast.storage.accounts.webhook_secrets import PREFIX


def headers(event_id: str, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """Return id, time and signature of one attempt. The id is the same at each."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    timestamp = str(int(now.timestamp()))
    signed = b".".join((event_id.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }
