"""Settings of a deployment of its own on the shared stack, and commands that run there."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import uuid4

from pydantic import SecretStr

from seedcast.embedded import Stack, connected
from seedcast.fleet.fleet_topic import FleetTopic
from seedcast.kafka import Admin
from seedcast.settings import Settings
from seedcast.storage.s3 import S3Store
from tests.builders import processes
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give a subprocess the same settings, secrets included."""
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith("SEEDCAST_")
    }
    for section in ("kafka", "s3", "feeder", "gpu", "postprocess", "index", "accounts", "log"):
        part = getattr(settings, section)
        for field in part.model_fields_set:
            value = getattr(part, field)
            plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            variables[f"SEEDCAST_{section}_{field}".upper()] = plain
    return variables | {"SEEDCAST_HOME": str(settings.home), "SEEDCAST_LOG_FORMAT": "json"}


def fresh(stack: Stack) -> Settings:
    """Return connected settings with topics and a bucket that no other test uses."""
    name = f"t{uuid4().hex[:10]}"
    settings = connected(Settings(home=stack.home))
    kafka = settings.kafka.model_copy(update={"prefix": name, "partitions": 4})
    s3 = settings.s3.model_copy(update={"bucket": name})
    index = settings.index.model_copy(update={"url": f"sqlite:///{stack.home}/{name}.sqlite"})
    accounts = settings.accounts.model_copy(
        update={"url": f"sqlite:///{stack.home}/{name}-accounts.sqlite"}
    )
    sections = {"kafka": kafka, "s3": s3, "index": index, "accounts": accounts}
    settings = settings.model_copy(update=sections)
    eventually(lambda: Admin(settings).ensure_topics() is not None, what="its topics")
    S3Store(settings.s3).ensure_bucket()
    return settings


def with_short_session(settings: Settings) -> Settings:
    """Return settings with a session whose end a test can wait for."""
    kafka = settings.kafka.model_copy(update={"session_timeout": 3.0})
    return settings.model_copy(update={"kafka": kafka})


class Spawn(Protocol):
    def __call__(
        self, arguments: Sequence[str], settings: Settings, **env: str
    ) -> ForkedProcess: ...


def run(settings: Settings, *arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `seedcast ARGUMENTS` with these settings, to its end."""
    variables = environment(settings) | {"COLUMNS": "200"} | env
    with TemporaryDirectory() as folder:
        return processes.run(arguments, variables, Path(folder))


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    """Return the objects that a command has printed with --json."""
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ready(settings: Settings, kind: str) -> list[int]:
    """Return the process ids of the workers of that kind that say so."""
    with FleetTopic(settings) as topic:
        topic.catch_up()
        workers = [seen.worker for seen in topic.fleet.live()]
    found = [worker for worker in workers if (worker.kind, worker.state) == (kind, "ready")]
    return [int(worker.worker_id.split("-")[-2]) for worker in found]
