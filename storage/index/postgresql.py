"""A schema in PostgreSQL, through psycopg 3."""

import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from seedcast.errors import InvalidSettings
from seedcast.settings import DatabaseSettings, secret_of
from seedcast.storage.index.schema import Schema

# Of Debian and Alpine, of Red Hat, and of SUSE.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)
# A machine that is gone without a word is noticed after 25 s, whether it owes an answer or not.
_TCP = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def engine(settings: DatabaseSettings, schema: Schema, *, read_only: bool) -> Engine:
    made = create_engine(
        make_url(settings.url).set(drivername="postgresql+psycopg"),
        connect_args={
            "application_name": "seedcast",
            "connect_timeout": settings.connect_timeout,
            "sslmode": settings.tls,
            **_authorities(settings, schema),
            **_TCP,
        },
        pool_size=settings.pool,
        max_overflow=0,
        pool_timeout=settings.lock_timeout,
        # A reader's connection that the server has closed is replaced. A writer's is not without a
        # word: behind it may be a server with an older state, which the writer must read anew.
        pool_pre_ping=read_only,
    )

    @event.listens_for(made, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
        from seedcast.storage.index.bounded_connection import BoundedConnection

        password = secret_of(settings.password.get_secret_value(), settings.password_file)
        parameters.update({"password": password} if password else {})
        connection = BoundedConnection.connect(*arguments, **parameters)
        # The server ends a statement that takes too long; what it says of it is on its way.
        connection.limit = _statement_timeout(settings, read_only) + settings.connect_timeout
        return connection

    @event.listens_for(made, "connect")
    def _limit(connection: Any, _record: Any) -> None:
        connection.execute(_limits(settings, read_only))
        connection.commit()

    return made


def _authorities(settings: DatabaseSettings, schema: Schema) -> dict[str, str]:
    if settings.tls != "verify-full":
        return {}
    return {"sslrootcert": settings.tls_ca or _system_authorities(schema)}


def _system_authorities(schema: Schema) -> str:
    """Return their file: psycopg's packages bring an OpenSSL that does not know where it is."""
    for file in (ssl.get_default_verify_paths().cafile, *_BUNDLES):
        if file and Path(file).is_file():
            return file
    raise InvalidSettings(
        "TLS to PostgreSQL",
        expected=f"the system's certificate authorities, such as {_BUNDLES[0]}",
        got="none",
        remedy=f"install ca-certificates, or set {schema.variable('tls_ca')}",
    )


def _limits(settings: DatabaseSettings, read_only: bool) -> str:
    """Return what sets up a session.

    A process that is stopped within a transaction must not keep its locks: another takes over.
    """
    statement, lock = (
        round(seconds * 1000)
        for seconds in (_statement_timeout(settings, read_only), settings.lock_timeout)
    )
    return (
        f"SET statement_timeout = {statement}; SET lock_timeout = {lock}; "
        f"SET idle_in_transaction_session_timeout = {statement}; "
        f"SET default_transaction_read_only = {'on' if read_only else 'off'}"
    )


def _statement_timeout(settings: DatabaseSettings, read_only: bool) -> float:
    return settings.read_timeout if read_only else settings.statement_timeout


def copy(connection: Connection, into: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Append rows, in the order of the table's columns, by COPY."""
    import psycopg

    cursor = connection.connection.cursor()
    names = ", ".join(into.columns.keys())
    types = [str(each.type.compile(connection.dialect)).split()[0] for each in into.columns]
    try:
        with cursor.copy(f"COPY {into.name} ({names}) FROM STDIN (FORMAT BINARY)") as copying:
            copying.set_types([name.lower() for name in types])
            for row in rows:
                copying.write_row(row)
    except psycopg.Error as error:
        if cursor.connection.closed:
            connection.invalidate(error)  # else rolling back would raise, and hide this error
        raise DBAPIError("COPY", None, error) from error
