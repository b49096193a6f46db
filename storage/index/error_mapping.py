"""Map the errors of SQLAlchemy and its drivers to Seedcast's; a database lets no other out."""

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from seedcast.errors import (
    AccessDenied,
    CredentialsRefused,
    InvalidSettings,
    LocalResource,
    SeedcastError,
)
from seedcast.storage.index.schema import Schema

FOREIGN = (SQLAlchemyError, sqlite3.Error)

_WAIT = "free some room, or end what locks it; it goes on by itself"
_LOOK = "look what the server's log says; it goes on by itself"

# Classes of SQLSTATE, and single ones, that may heal (PostgreSQL's appendix A). A disk over its
# quota is an internal error, XX000.
_HEALING = re.compile(r"08|40|53|57|58|55P03|25006|25P0[34]|XX000")
_REMEDIES = {"53": _WAIT, "55": _WAIT, "58": _LOOK, "XX": _LOOK}  # by class
# What a refused connection is known by: libpq tells no SQLSTATE of it.
_REFUSED = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|role \".*\" does not exist"
    r"|database \".*\" does not exist|permission denied"
)
# Of a connection that did not come about. One that breaks, or whose server is away, says SSL, too.
_TLS = re.compile(
    r"connection (failed|is bad): .*"
    r"(certificate|does not support SSL|SSL error: (?!unexpected eof))",
    re.DOTALL,
)


def translate(error: Exception, doing: str, address: str, schema: Schema) -> SeedcastError:
    """Return the Seedcast error for a foreign one."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause, f"{doing} in {address}", schema)
    if isinstance(error, PoolTimeout):
        return schema.unavailable(
            f"{doing}: all connections are in use", remedy=f"raise {schema.variable('pool')}"
        )
    return _of_postgresql(cause, f"{doing} in {address}", schema)


def _of_sqlite(error: sqlite3.Error, where: str, schema: Schema) -> SeedcastError:
    name = getattr(error, "sqlite_errorname", "")
    got = f"{name or type(error).__name__}: {error}"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR")):
        return schema.unavailable(where, got=got, remedy=_WAIT)
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        return LocalResource(where, expected="a file that this user may write", got=got)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return schema.damaged(where, expected="a whole database", got=got, remedy=schema.restore)
    return _other_tables(where, got, schema)


def _of_postgresql(error: Exception, where: str, schema: Schema) -> SeedcastError:
    state = getattr(error, "sqlstate", None) or ""
    got = f"{state} {_first_line(error)}".strip()
    if not state:
        return _unconnected(where, got, schema)
    if _HEALING.match(state):
        return schema.unavailable(where, got=got, remedy=_REMEDIES.get(state[:2], ""))
    if state == "42501":
        user = f"the user of {schema.variable('url')}"
        grant = f"grant it to {user}; {schema.rights} has the rights"
        return AccessDenied(f"{where}: a right is missing", got=got, remedy=grant)
    if state.startswith("28"):
        return _refused(where, got, schema)
    return _other_tables(where, got, schema)


def _other_tables(where: str, got: str, schema: Schema) -> SeedcastError:
    expected = "the tables of this version"
    return schema.mismatch(where, expected=expected, got=got, remedy=schema.restore)


def _refused(where: str, got: str, schema: Schema) -> SeedcastError:
    url, file = schema.variable("url"), schema.variable("password_file")
    remedy = f"check {url}, {file} and the server's pg_hba.conf"
    return CredentialsRefused(where, got=got, remedy=remedy)


def _unconnected(where: str, got: str, schema: Schema) -> SeedcastError:
    """Return the error of a connection that failed, or broke."""
    if _REFUSED.search(got):
        return _refused(where, got, schema)
    if _TLS.match(got):
        tls, authorities, url = map(schema.variable, ("tls", "tls_ca", "url"))
        remedy = f"check {tls}, {authorities} and the host in {url}"
        return InvalidSettings(where, got=got, remedy=remedy)
    return schema.unavailable(where, got=got, remedy="check that the database runs")


def _first_line(error: Exception) -> str:
    """A message's other lines may quote values of a row."""
    return str(error).strip().partition("\n")[0]
