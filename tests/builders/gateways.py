"""A gateway for tests, with what its clients need."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from seedcast.settings import Settings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.keys import SCOPES, KeyLimits, Scope
from tests.builders import processes
from tests.builders.deployments import environment
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually

READY = '"event": "ready"'
# For clients of http alone: to load the system's authorities for each would take it 40 ms.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Gateway:
    settings: Settings
    accounts: Accounts
    url: str
    process: ForkedProcess
    log: Path

    def key(self, *scopes: Scope, tenant: str = "bank", stored_bytes: int | None = None) -> str:
        limits = KeyLimits(stored_bytes=stored_bytes)
        return self.accounts.add_key("test", tenant, scopes or SCOPES, limits)[1]

    def client(
        self, *scopes: Scope, tenant: str = "bank", stored_bytes: int | None = None
    ) -> httpx.Client:
        secret = self.key(*scopes, tenant=tenant, stored_bytes=stored_bytes)
        headers = {"authorization": f"Bearer {secret}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=NO_TLS)


@contextmanager
def gateway(settings: Settings, log: Path, **variables: str) -> Iterator[Gateway]:
    """Yield a gateway of its own, with these variables; it is killed at the end."""
    process = processes.start(["run", "gateway"], environment(settings) | variables, log)
    try:
        with open_accounts(settings.accounts) as accounts:
            yield Gateway(settings, accounts, url_of(log, process), process, log)
    finally:
        process.kill()
        process.wait()
        print(f"--- gateway\n{log.read_text(errors='replace')[-20_000:]}")


def url_of(log: Path, process: ForkedProcess) -> str:
    """Wait until the gateway with this log is ready; return its address."""

    def has_started() -> bool:
        assert process.poll() is None, "the gateway has ended"
        return READY in log.read_text()

    eventually(has_started, what="a start")
    ready = next(line for line in log.read_text().splitlines() if READY in line)
    return str(json.loads(ready)["url"])
