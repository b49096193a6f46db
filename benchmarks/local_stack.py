"""The embedded stack that a benchmark runs on: its settings, its workers and their metrics.

Also what the benchmarks on it share: a list to submit, and a line about this machine.
"""

import csv
import platform
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

from seedcast.embedded import Process, Stack, connected, refuse_other_servers
from seedcast.embedded.processes import free_ports
from seedcast.health import Readiness
from seedcast.kafka import Admin
from seedcast.producers.feeder.feeder import Feeder
from seedcast.producers.rows.sample_list import rows as sample_rows
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from seedcast.watchdog import Watchdog

WORKERS = ("feeder", "gpu-consumer", "postprocess")
Metrics = dict[tuple[str, tuple[tuple[str, str], ...]], float]  # by name and sorted labels


@contextmanager
def running_stack() -> Iterator[tuple[Stack, Settings]]:
    """Start an embedded stack in a temporary folder, and stop it with its workers at the end.

    Yields the stack and settings that are connected to it. The folder is the home of both.
    Raises InvalidSettings if the environment names other servers.
    """
    refuse_other_servers(Settings())
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        try:
            stack.start()
            yield stack, connected(Settings(home=stack.home))
        finally:
            stack.stop()


def start_worker(
    stack: Stack, kind: str, name: str | None = None, env: Mapping[str, str] | None = None
) -> Process:
    """Start `seedcast run KIND`, which logs warnings only. `name` defaults to the kind."""
    variables = {"SEEDCAST_LOG_LEVEL": "warning", **(env or {})}
    return stack.start_worker(name or kind, ["run", kind], variables)


def start_measured_worker(
    stack: Stack, kind: str, env: Mapping[str, str] | None = None
) -> tuple[Process, int]:
    """Start a worker that serves its metrics. Returns it and the port of its metrics."""
    (port,) = free_ports(0)
    variables = {**(env or {}), "SEEDCAST_METRICS_PORT": str(port)}
    return start_worker(stack, kind, env=variables), port


def feed(settings: Settings) -> None:
    """Feed every list that is staged, as a feeder does, and return then."""
    admin, watchdog = Admin(settings), Watchdog(settings.feeder.watchdog)
    store, readiness = S3Store(settings.s3), Readiness()
    feeder = Feeder(settings, store, admin.existing(), admin.cluster_id(), readiness)
    feeder.run(threading.Event(), watchdog, once=True)
    watchdog.stop()


def read_metrics(port: int) -> Metrics:
    """Return the current metrics of a worker; empty while it does not answer yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
    except OSError:  # it has only just been started
        return {}
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def write_list(path: Path, size: int) -> None:
    """Write the example's rows as CSV, without those that are wrong on purpose, for one profile.

    Every name has a number, so that no two texts are equal.
    """
    names = [name for name in next(iter(sample_rows(1))) if name != "profile"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for start in range(0, size, 300):
            for number, row in enumerate(sample_rows(min(300, size - start)), start):
                row |= {"id": f"r-{number}", "name": f"{row['name']} {number}"}
                writer.writerow([row[name] for name in names])


def machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
