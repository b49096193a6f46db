"""Map the errors of SQLAlchemy and its drivers to Seedcast's; the index lets no other error out."""

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from seedcast.errors import (
    AccessDenied,
    CredentialsRefused,
    IndexDamaged,
    IndexMismatch,
    IndexUnavailable,
    InvalidSettings,
    LocalResource,
    SeedcastError,
)

FOREIGN = (SQLAlchemyError, sqlite3.Error)

_REBUILD = "restore it from a backup, or make it anew: `seedcast index rebuild`"
_WAIT = "free some room, or end what locks it; it goes on by itself"
_LOOK = "look what the server's log says; it goes on by itself"
_CHECK_LOGIN = "check SEEDCAST_INDEX_URL, SEEDCAST_INDEX_PASSWORD_FILE and the server's pg_hba.conf"
_CHECK_TLS = "check SEEDCAST_INDEX_TLS, SEEDCAST_INDEX_TLS_CA and the host in SEEDCAST_INDEX_URL"
_GRANT = "grant it to the user of SEEDCAST_INDEX_URL; docs/deploying.md has the rights"

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


def translate(error: Exception, doing: str, address: str) -> SeedcastError:
    """Return the Seedcast error for a foreign one."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause, doing, address)
    if isinstance(error, PoolTimeout):
        return IndexUnavailable(
            f"{doing}: all connections are in use", remedy="raise SEEDCAST_INDEX_POOL"
        )
    return _of_postgresql(cause, doing, address)


def _of_sqlite(error: sqlite3.Error, doing: str, address: str) -> SeedcastError:
    name = getattr(error, "sqlite_errorname", "")
    got = f"{name or type(error).__name__}: {error}"
    where = f"{doing} in {address}"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR")):
        return IndexUnavailable(where, got=got, remedy=_WAIT)
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        return LocalResource(where, expected="a file that this user may write", got=got)
    whole = name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
    expected = "a whole database" if whole else "the tables of this version"
    return IndexDamaged(where, expected=expected, got=got, remedy=_REBUILD)


def _of_postgresql(error: Exception, doing: str, address: str) -> SeedcastError:
    state = getattr(error, "sqlstate", None) or ""
    where, got = f"{doing} in {address}", f"{state} {_first_line(error)}".strip()
    if not state:
        return _unconnected(where, got)
    if _HEALING.match(state):
        return IndexUnavailable(where, got=got, remedy=_REMEDIES.get(state[:2], ""))
    if state == "42501":
        return AccessDenied(f"{where}: a right is missing", got=got, remedy=_GRANT)
    if state.startswith("28"):
        return CredentialsRefused(where, got=got, remedy=_CHECK_LOGIN)
    return IndexMismatch(where, expected="the tables of this version", got=got, remedy=_REBUILD)


def _unconnected(where: str, got: str) -> SeedcastError:
    """Return the error of a connection that failed, or broke."""
    if _REFUSED.search(got):
        return CredentialsRefused(where, got=got, remedy=_CHECK_LOGIN)
    if _TLS.match(got):
        return InvalidSettings(where, got=got, remedy=_CHECK_TLS)
    return IndexUnavailable(where, got=got, remedy="check that the database runs")


def _first_line(error: Exception) -> str:
    """A message's other lines may quote values of a row."""
    return str(error).strip().partition("\n")[0]
