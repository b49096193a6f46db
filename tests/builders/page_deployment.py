"""A whole deployment that speaks, whose gateway can be ended and started again at its address."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seedcast.embedded import Stack
from seedcast.embedded.processes import free_ports
from seedcast.settings import Settings
from seedcast.storage.accounts.accounts import open_accounts
from seedcast.storage.accounts.keys import SCOPES, KeyLimits, Scope
from tests.builders import processes
from tests.builders.deployments import environment, fresh
from tests.builders.gateways import url_of
from tests.builders.processes import ForkedProcess

WORKERS = {
    "feeder": ("run", "feeder"),
    "gpu-consumer": ("run", "gpu-consumer", "--engine", "espeak"),
    "postprocess": ("run", "postprocess"),
    "indexer": ("run", "indexer"),
}


class PageDeployment:
    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        [self.port] = free_ports(0)
        self.url = f"http://127.0.0.1:{self.port}"
        self._running: dict[str, ForkedProcess] = {}

    def start(self, name: str, command: tuple[str, ...], **more: str) -> None:
        variables = environment(self.settings) | more
        log = self.folder / f"{name}.log"
        self._running[name] = processes.start(command, variables, log)

    def start_gateway(self) -> None:
        """Return once it is ready."""
        self.start("gateway", ("run", "gateway"), SEEDCAST_GATEWAY_PORT=str(self.port))
        url_of(self.folder / "gateway.log", self._running["gateway"])

    def end(self, name: str) -> None:
        """As if it was killed."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def end_all(self) -> None:
        for name in list(self._running):
            self.end(name)
            log = (self.folder / f"{name}.log").read_text(errors="replace")
            print(f"--- {name}\n{log[-20_000:]}")

    def key(self, *scopes: Scope, tenant: str = "bank") -> str:
        with open_accounts(self.settings.accounts) as accounts:
            return accounts.add_key("night desk", tenant, scopes or SCOPES, KeyLimits())[1]


@contextmanager
def page_deployment(stack: Stack, folder: Path) -> Iterator[PageDeployment]:
    deployed = PageDeployment(fresh(stack), folder)
    try:
        for name, command in WORKERS.items():
            deployed.start(name, command)
        deployed.start_gateway()
        yield deployed
    finally:
        deployed.end_all()
