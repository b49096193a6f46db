"""Who may do what with the index on PostgreSQL, by which password, over which connection."""

import socket
import ssl
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from ops.index_schema import READER, WRITER
from seedcast.embedded.stack_state import HOST
from seedcast.errors import (
    AccessDenied,
    CredentialsRefused,
    IndexUnavailable,
    InvalidSettings,
    LocalResource,
    SeedcastError,
)
from seedcast.settings import IndexSettings
from seedcast.storage.index.database import connect, open_database
from seedcast.storage.index.migrate import migrate
from tests.builders.certificates import certificates
from tests.builders.indexed import add, campaign_of, listed, result, rows, writing
from tests.builders.postgres_server import PostgresServer
from tests.crash.proxy import Fault, Proxy

_SSL_REQUEST = struct.pack("!II", 8, 80877103)  # PostgreSQL's protocol, section SSLRequest


@dataclass(frozen=True)
class Role:
    name: str
    settings: IndexSettings  # of the database, as this role


def new_role(postgres: PostgresServer, settings: IndexSettings) -> Role:
    """Make a role without any right, for the database of the settings."""
    name, password = f"role_{uuid4().hex[:8]}", uuid4().hex
    postgres.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    url = settings.url.replace("postgres@", f"{name}@")
    return Role(name, settings.model_copy(update={"url": url, "password": SecretStr(password)}))


def test_the_documented_rights_are_enough_and_the_readers_change_nothing(
    postgres: PostgresServer,
) -> None:
    settings = postgres.new_database()
    database = settings.url.rpartition("/")[2]
    writers, readers = new_role(postgres, settings), new_role(postgres, settings)
    names = {"database": database, "writer": writers.name, "reader": readers.name}
    postgres.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    postgres.execute(f"{WRITER}\n{READER}".format(**names), database)
    with writing(writers.settings) as writer:
        writer.put_campaigns([listed("a", 2)])
        writer.load_list("a", rows(2))
        add(writer, result("a", 1))
    assert campaign_of(readers.settings, "a").progress.succeeded == 1
    # Whatever the session is set to.
    for statement in ("DELETE FROM requests", "UPDATE term SET number = 9", "DROP TABLE requests"):
        assert _refused(readers.settings, statement), statement


def _refused(settings: IndexSettings, statement: str) -> bool:
    with connect(settings, read_only=False) as database:
        try:
            with database.transaction("overstepping") as connection:
                connection.exec_driver_sql(statement)
        except AccessDenied:
            return True
    return False


def test_a_role_without_rights_is_told_which(postgres: PostgresServer) -> None:
    settings = postgres.new_database()
    migrate(settings)
    nobody = new_role(postgres, settings).settings
    with pytest.raises(AccessDenied, match=r"permission denied .*docs/deploying\.md"):
        open_database(nobody, read_only=True)


def test_the_password_is_read_from_its_file_at_each_connection(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    settings, file = postgres.new_database(), tmp_path / "password"
    migrate(settings)
    by_file = settings.model_copy(update={"password": SecretStr(""), "password_file": str(file)})
    file.write_text("the old one\n")
    with connect(by_file, read_only=True) as database:
        with pytest.raises(CredentialsRefused, match="SEEDCAST_INDEX_PASSWORD_FILE") as refused:
            database.revision()
        assert "the old one" not in str(refused.value)
        file.write_text(postgres.password + "\n")
        assert database.revision() is not None


def test_a_file_is_its_owners_alone_and_its_folder_must_exist(tmp_path: Path) -> None:
    settings = IndexSettings(url=f"sqlite:///{tmp_path}/index.sqlite")
    with writing(settings):
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("index.sqlite", "index.sqlite-wal", "index.sqlite-shm"), 0o600)
    nowhere = IndexSettings(url=f"sqlite:///{tmp_path}/nowhere/index.sqlite")
    with pytest.raises(LocalResource, match="SEEDCAST_INDEX_URL"):
        migrate(nowhere)


def test_a_process_that_ends_takes_no_file_from_the_others(tmp_path: Path) -> None:
    """The last process with an open database removes its WAL; locks tell that it is the last."""
    file = tmp_path / "index.sqlite"
    settings = IndexSettings(url=f"sqlite:///{file}")
    look = f"import sqlite3; d = sqlite3.connect({str(file)!r}); d.execute('PRAGMA user_version')"
    with writing(settings) as writer:
        writer.put_campaigns([listed("night", 1)])
        with open_database(settings, read_only=False):  # as each term does
            pass
        subprocess.run([sys.executable, "-c", f"{look}.fetchall(); d.close()"], check=True)
        assert file.with_name("index.sqlite-wal").exists()


def test_a_database_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    settings = postgres.settings("nowhere")
    with pytest.raises(CredentialsRefused, match='database "nowhere" does not exist'):
        open_database(settings, read_only=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates(tmp_path_factory.mktemp("tls"))


def test_tls_is_verified_by_the_authority_and_the_name(
    postgres: PostgresServer, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with encrypting(postgres.port, authority / "server.pem") as port:
        settings = postgres.settings().model_copy(
            update={
                "url": f"postgresql://postgres@localhost:{port}/postgres",
                "tls": "verify-full",
                "tls_ca": str(authority / "ca.pem"),
            }
        )
        assert problem(settings) is None
        unknown = settings.model_copy(update={"tls_ca": ""})
        assert isinstance(problem(unknown), InvalidSettings)
        elsewhere = settings.url.replace("localhost", "elsewhere") + f"?hostaddr={HOST}"
        misnamed = settings.model_copy(update={"url": elsewhere})
        assert "elsewhere" in str(problem(misnamed)).partition("got")[2]
        assert problem(unknown.model_copy(update={"tls": "require"})) is None
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))  # the system's authorities
        assert problem(unknown) is None
    # The server itself speaks no TLS.
    plain = postgres.settings().model_copy(update={"tls": "verify-full"})
    assert isinstance(found := problem(plain), InvalidSettings)
    assert "SEEDCAST_INDEX_TLS" in str(found)


def test_a_connection_of_tls_that_breaks_is_an_outage_and_no_wrong_setting(
    postgres: PostgresServer, authority: Path
) -> None:
    with encrypting(postgres.port, authority / "server.pem") as port:
        proxy = Proxy(port)
        settings = postgres.settings().model_copy(
            update={
                "url": f"postgresql://postgres@localhost:{proxy.port}/postgres",
                "tls_ca": str(authority / "ca.pem"),
                "tls": "verify-full",
            }
        )
        with connect(settings, read_only=False) as database:
            assert database.revision() is None
            proxy.fail(Fault(cut=True))
            with pytest.raises(IndexUnavailable, match="SSL"):
                database.revision()
        proxy.close()


def problem(settings: IndexSettings) -> SeedcastError | None:
    with connect(settings, read_only=True) as database:
        try:
            database.revision()
        except SeedcastError as error:
            return error
    return None


@contextmanager
def encrypting(target: int, certificate: Path) -> Iterator[int]:
    """Listen for PostgreSQL's clients, speak TLS with them, and plainly with the server.

    The server of the package is built without TLS; what is tested is our side.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server((HOST, 0))

    def serve(client: socket.socket) -> None:
        try:
            assert client.recv(8) == _SSL_REQUEST
            client.sendall(b"S")
            secured = context.wrap_socket(client, server_side=True)
        except OSError:  # the client did not like the certificate
            client.close()
            return
        server = socket.create_connection((HOST, target))
        threading.Thread(target=pass_on, args=(server, secured), daemon=True).start()
        pass_on(secured, server)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        target.close()
