"""Brokers that the tests may break: of one node or of three, each with a second way in, which leads through a proxy."""

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
from tests.conftest import eventually
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
        self.process = processes.spawn(self.command, os.environ, self.home / "kafka.log", self.home)
        eventually(
            lambda: self.process and processes.listens(self.process, self.direct),
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

    def go_on(self) -> None:
        if self.process and processes.runs(self.process):
            self.process.send_signal(signal.SIGCONT)


class Cluster:
    """KRaft, every node broker and controller. Replication of the internal topics follows from the number of nodes; min.insync is the topics' own."""

    def __init__(self, folder: Path, count: int = 1) -> None:
        ports = iter(processes.free_ports(*[0] * (3 * count)))
        places = [(next(ports), next(ports), next(ports)) for _ in range(count)]
        quorum = ",".join(
            f"{number}@{HOST}:{controller}"
            for number, (_, _, controller) in enumerate(places, start=1)
        )
        name = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        self.nodes = [
            _node(folder / str(number), number, place, quorum, name, count)
            for number, place in enumerate(places, start=1)
        ]

    @property
    def direct(self) -> str:
        """For who looks on."""
        return ",".join(f"{HOST}:{node.direct}" for node in self.nodes)

    @property
    def proxied(self) -> str:
        """For the clients under test."""
        return ",".join(f"{HOST}:{node.proxy.port}" for node in self.nodes)

    def start(self) -> None:
        for node in self.nodes:
            node.process = processes.spawn(
                node.command, os.environ, node.home / "kafka.log", node.home
            )
        for node in self.nodes:
            eventually(
                lambda node=node: processes.listens(node.process, node.direct),
                what=f"broker {node.number}",
            )  # type: ignore[misc]

    def close(self) -> None:
        for node in self.nodes:
            node.go_on()
            node.kill()
            node.proxy.close()


def _node(
    home: Path, number: int, ports: tuple[int, int, int], quorum: str, cluster: str, count: int
) -> Node:
    direct, behind, controller = ports
    proxy = Proxy(behind)
    (home / "kafka" / "data").mkdir(parents=True)
    (home / "kafka" / "data" / "meta.properties").write_text("cluster.id=formatted-below\n")
    command = broker.argv(home, State(broker_port=direct, controller_port=controller))
    (home / "kafka" / "data" / "meta.properties").unlink()
    changes = {
        "node.id": number,
        "controller.quorum.voters": quorum,
        "listeners": f"DIRECT://{HOST}:{direct},PROXIED://{HOST}:{behind},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"DIRECT://{HOST}:{direct},PROXIED://{HOST}:{proxy.port}",
        "inter.broker.listener.name": "DIRECT",
        "listener.security.protocol.map": MAPPING,
        "offsets.topic.replication.factor": count,
        "transaction.state.log.replication.factor": count,
        "share.coordinator.state.topic.replication.factor": count,
    }
    properties = Path(command[-1])
    with properties.open("a") as file:  # of a name that comes twice, Java takes the last
        file.writelines(f"{key}={value}\n" for key, value in changes.items())
    tool = [
        *command[:-2],
        "kafka.tools.StorageTool",
        "format",
        f"--cluster-id={cluster}",
        "--config",
        properties,
    ]
    subprocess.run(tool, check=True, capture_output=True)
    return Node(number, home, direct, command, proxy)
