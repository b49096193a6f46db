"""A MinIO, which knows users and their policies, and checks signatures, regions and clocks."""

import os
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from minio.credentials import StaticProvider
from minio.minioadmin import MinioAdmin
from pydantic import SecretStr

from seedcast.embedded import processes
from seedcast.settings import S3Settings
from tests.builders.processes import stop_when_orphaned
from tests.builders.waiting import eventually

MINIO = Path(__file__).parents[2] / ".tools" / "minio"


@contextmanager
def minio_server(folder: Path) -> Iterator[S3Settings]:
    """Run one, and yield the settings of its root. Skips the test where it is not built."""
    if not MINIO.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail(f"expected MinIO's binary at {MINIO}; run `make tools`")
        pytest.skip("MinIO is not built; run `make tools` on a machine with Go")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    keys = {
        "MINIO_ROOT_USER": "seedcast",
        "MINIO_ROOT_PASSWORD": uuid4().hex,
        "MINIO_SITE_REGION": "us-east-1",  # without it, every region is right
    }
    guard = stop_when_orphaned(folder)
    command = [MINIO, "server", folder / "data", "--address", f"127.0.0.1:{port}"]
    server = processes.spawn(command, os.environ | keys, folder / "log", folder)
    try:
        eventually(lambda: not processes.is_running(server) or _answers(port), what="MinIO")
        assert processes.is_running(server), (folder / "log").read_text()
        yield S3Settings(
            endpoint=f"http://127.0.0.1:{port}",
            access_key="seedcast",
            secret_key=SecretStr(keys["MINIO_ROOT_PASSWORD"]),
        )
    finally:
        processes.kill([server])
        guard.kill()


def with_policy(root: S3Settings, policy: Mapping[str, Any]) -> S3Settings:
    """Return the settings of a new user who may do what the policy says."""
    name, password = f"user-{uuid4().hex[:8]}", uuid4().hex
    address = root.endpoint.removeprefix("http://")
    keys = StaticProvider(root.access_key, root.secret_key.get_secret_value())
    admin = MinioAdmin(endpoint=address, credentials=keys, secure=False)
    admin.user_add(name, password)
    admin.policy_add(name, policy=dict(policy))
    admin.policy_set(name, user=name)
    return root.model_copy(update={"access_key": name, "secret_key": SecretStr(password)})


def _answers(port: int) -> bool:
    try:
        url = f"http://127.0.0.1:{port}/minio/health/ready"
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False
