"""A deployment with the echo engine, whose gateways reach each server through a proxy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from seedcast.embedded import Stack
from seedcast.settings import AccountsSettings, Settings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.keys import SCOPES, KeyLimits
from tests.builders import processes
from tests.builders.deployments import environment, fresh, ready
from tests.builders.gateways import NO_TLS
from tests.builders.postgres_server import PostgresServer
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually
from tests.crash.proxy import Proxy

TEXT = "Your order leaves today."
WAIT = 8.0  # seconds that a client waits, at most
SEND = 2.0  # seconds for the broker's acknowledgement
# Seconds after which a gateway gives up a server that is silent.
S3 = {"connect_timeout": 1.0, "read_timeout": 1.0, "retries": 0}
SQL = {"connect_timeout": 2, "lock_timeout": 1.0, "read_timeout": 1.0, "statement_timeout": 1.0}
SILENT = 12.0  # seconds within which every answer comes, whatever is silent
WORKERS = {
    "gpu-consumer": ["run", "gpu-consumer", "--engine", "echo"],
    "postprocess": ["run", "postprocess"],
    "indexer": ["run", "indexer"],
}


@dataclass
class Gateway:
    process: ForkedProcess
    log: Path
    url: str

    def waits_for(self, count: int) -> bool:
        page = httpx.get(f"{self.url}/metrics", verify=NO_TLS).text
        return f"seedcast_replies_waiting {count}.0" in page


@dataclass
class Gateways:
    settings: Settings  # of the workers, and of the test
    proxied: Settings  # of the gateways
    accounts: Accounts
    folder: Path
    s3: Proxy
    index: Proxy
    keys: Proxy  # to the accounts
    workers: dict[str, ForkedProcess] = field(default_factory=dict)
    started: list[Gateway] = field(default_factory=list)

    def key(self, tenant: str = "bank", **limits: Any) -> str:
        return self.accounts.add_key("test", tenant, SCOPES, KeyLimits(**limits))[1]

    def start(self, **env: str) -> Gateway:
        """Start a gateway with more variables, and wait until it is ready."""
        log = self.folder / f"gateway-{len(self.started)}.log"
        times = {"SEEDCAST_GATEWAY_WAIT": str(WAIT), "SEEDCAST_GATEWAY_SEND_TIMEOUT": str(SEND)}
        variables = environment(self.proxied) | times | env
        process = processes.start(["run", "gateway"], variables, log)
        self.started.append(Gateway(process, log, _url(log)))
        return self.started[-1]


@contextmanager
def gateways(stack: Stack, postgres: PostgresServer, folder: Path) -> Iterator[Gateways]:
    settings = fresh(stack)
    accounts = AccountsSettings.model_validate(_set(postgres.new_database()))
    settings = settings.model_copy(update={"index": postgres.new_database(), "accounts": accounts})
    s3, index, keys = (
        Proxy(port)
        for port in (int(settings.s3.endpoint.rpartition(":")[2]), postgres.port, postgres.port)
    )
    with open_accounts(accounts) as opened:
        proxied = _proxied(settings, s3, index, keys)
        made = Gateways(settings, proxied, opened, folder, s3, index, keys)
        try:
            for name, command in WORKERS.items():
                log = folder / f"{name}.log"
                made.workers[name] = processes.start(command, environment(settings), log)
            eventually(lambda: all(ready(settings, kind) for kind in WORKERS), what="the workers")
            yield made
        finally:
            for proxy in (s3, index, keys):
                proxy.close()
            for each in (*made.workers.values(), *(gateway.process for gateway in made.started)):
                each.kill()
                each.wait()
            for file in sorted(folder.glob("*.log")):
                print(f"--- {file.name}\n{file.read_text(errors='replace')[-20_000:]}")


def _set(section: Any) -> dict[str, Any]:
    return {name: getattr(section, name) for name in section.model_fields_set}


def _proxied(settings: Settings, s3: Proxy, index: Proxy, keys: Proxy) -> Settings:
    def through(proxy: Proxy, section: Any) -> Any:
        address, _, database = section.url.rpartition("/")
        url = f"{address.rpartition(':')[0]}:{proxy.port}/{database}"
        return section.model_copy(update={"url": url, **SQL})

    store = settings.s3.model_copy(update={"endpoint": f"http://127.0.0.1:{s3.port}", **S3})
    databases = {
        "index": through(index, settings.index),
        "accounts": through(keys, settings.accounts),
    }
    return settings.model_copy(update={"s3": store, **databases})


def _url(log: Path) -> str:
    eventually(lambda: '"event": "ready"' in log.read_text(), what="a gateway")
    line = next(line for line in log.read_text().splitlines() if '"event": "ready"' in line)
    return str(json.loads(line)["url"])
