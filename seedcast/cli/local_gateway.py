"""Where the gateway of the embedded stack listens, and a key for who started it."""

import http.client
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from seedcast import private_files

if TYPE_CHECKING:
    from seedcast.embedded import Stack
    from seedcast.settings import Settings
    from seedcast.storage.accounts.accounts import Accounts
    from seedcast.storage.accounts.keys import ApiKey

NAME = "gateway-1"  # of the process that is shown
KEY = "gateway.key"  # file in the home
TENANT = "default"


def url(stack: "Stack") -> str | None:
    """Return the address of the first gateway; None if there is none that answers."""
    from seedcast.embedded.processes import listening

    found = (process for process in stack.status() if process.name == NAME and process.running)
    places = (place for process in found for place in listening(process.pid))
    return next((f"http://{host}:{port}" for host, port in places if _serves(host, port)), None)


def key(settings: "Settings") -> str:
    """Return a key with every scope, which is made once and kept in the home.

    Raises the errors of `open_accounts`, and OSError.
    """
    from seedcast.storage.accounts.accounts import open_accounts

    with open_accounts(settings.accounts) as accounts:
        return _key(accounts, settings.home / KEY)[1]


def sign_in_address(settings: "Settings", url: str) -> str:
    """Return an address of the page that signs in as that key: once, and for a minute.

    What it signs in by follows the #, which no browser sends and nothing logs. Raises as `key`.
    """
    from seedcast.storage.accounts.accounts import open_accounts

    with open_accounts(settings.accounts) as accounts:
        known, _ = _key(accounts, settings.home / KEY)
        link = accounts.sessions.add_link(known.key_id, datetime.now(UTC))
    return f"{url}/login#{link}"


def _key(accounts: "Accounts", path: Path) -> "tuple[ApiKey, str]":
    """Return the key of the file, and its secret; a new one if there is none that is valid."""
    from seedcast.storage.accounts.keys import SCOPES

    if path.exists():
        secret = path.read_text().strip()
        known = accounts.find(secret)
        if known and known.state(datetime.now(UTC)) == "valid":
            return known, secret
    made, secret = accounts.add_key("embedded stack", TENANT, SCOPES)
    with private_files.create(path, "wb") as file:
        file.write(f"{secret}\n".encode())
    return made, secret


def _serves(host: str, port: int) -> bool:
    """Return True for the gateway's own port: its metrics are on another."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/openapi.json")
        answer = connection.getresponse()
        return answer.getheader("content-type", "").startswith("application/json")
    return False
