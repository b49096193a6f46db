"""Brokers that the tests may break: one node or three, each with a second, proxied listener."""

import os
import signal
import subprocess
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil

from seedcast.embedded import broker, processes
from seedcast.embedded.stack_state import HOST, State
from tests.builders.processes import stop_when_orphaned
from tests.builders.waiting import eventually
from tests.crash.proxy import Proxy

MAPPING = "DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT"


@dataclass
class Node:
    number: int
    home: Path
    direct: int  # port
    command: list[str | Path]
    proxy: Proxy
    process: psutil.Process | None = None

    def start(self) -> None:
        self.spawn()
        self.wait_until_listening()

    def spawn(self) -> None:
        log, marker = self.home / "kafka.log", self.home.parent
        self.process = processes.spawn(self.command, os.environ, log, marker)

    def wait_until_listening(self) -> None:
        eventually(
            lambda: self.process and processes.is_listening(self.process, self.direct),
            what=f"broker {self.number}",
        )

    def kill(self) -> None:
        if self.process:
            processes.kill([self.process])

    def stop(self) -> None:
        if self.process:
            processes.end([self.process], grace=40)

    def pause(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self.process and processes.is_running(self.process):
            self.process.send_signal(signal.SIGCONT)


class Cluster:
    """A KRaft cluster whose nodes are both broker and controller.

    Internal topics have as many replicas as there are nodes; min.insync comes from each topic.
    The nodes end also when the test run is killed: `folder` marks their processes.
    """

    def __init__(self, folder: Path, count: int = 1) -> None:
        free = iter(processes.free_ports(*[0] * (3 * count)))
        ports = [(next(free), next(free), next(free)) for _ in range(count)]
        quorum = ",".join(
            f"{number}@{HOST}:{controller}"
            for number, (_, _, controller) in enumerate(ports, start=1)
        )
        cluster_id = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        self.nodes = [
            _node(folder / str(number), number, node_ports, quorum, cluster_id, count)
            for number, node_ports in enumerate(ports, start=1)
        ]
        self._guard = stop_when_orphaned(folder)

    @property
    def direct(self) -> str:
        """Bootstrap servers for the test itself."""
        return ",".join(f"{HOST}:{node.direct}" for node in self.nodes)

    @property
    def proxied(self) -> str:
        """Bootstrap servers for the clients under test."""
        return ",".join(f"{HOST}:{node.proxy.port}" for node in self.nodes)

    def start(self) -> None:
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.wait_until_listening()

    def close(self) -> None:
        for node in self.nodes:
            node.resume()
            node.kill()
            node.proxy.close()
        self._guard.kill()


def _node(
    home: Path, number: int, ports: tuple[int, int, int], quorum: str, cluster_id: str, count: int
) -> Node:
    direct, behind_proxy, controller = ports
    proxy = Proxy(behind_proxy)
    (home / "kafka" / "data").mkdir(parents=True)
    (home / "kafka" / "data" / "meta.properties").write_text("cluster.id=formatted-below\n")
    command = broker.argv(home, State(broker_port=direct, controller_port=controller))
    (home / "kafka" / "data" / "meta.properties").unlink()
    direct_listener = f"DIRECT://{HOST}:{direct}"
    listeners = (
        direct_listener,
        f"PROXIED://{HOST}:{behind_proxy}",
        f"CONTROLLER://{HOST}:{controller}",
    )
    changes = {
        "node.id": number,
        "controller.quorum.voters": quorum,
        "listeners": ",".join(listeners),
        "advertised.listeners": f"{direct_listener},PROXIED://{HOST}:{proxy.port}",
        "inter.broker.listener.name": "DIRECT",
        "listener.security.protocol.map": MAPPING,
        "offsets.topic.replication.factor": count,
        "transaction.state.log.replication.factor": count,
        "share.coordinator.state.topic.replication.factor": count,
    }
    properties = Path(command[-1])
    with properties.open("a") as file:  # Java takes the last value of a repeated name
        file.writelines(f"{key}={value}\n" for key, value in changes.items())
    storage_tool = [*command[:-2], "kafka.tools.StorageTool", "format"]
    arguments = [f"--cluster-id={cluster_id}", "--config", properties]
    subprocess.run([*storage_tool, *arguments], check=True, capture_output=True)
    return Node(number, home, direct, command, proxy)
