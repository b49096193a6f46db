"""The accounts in a schema of their own in the index's database, as docs/deploying.md says."""

from uuid import uuid4

import pytest
from pydantic import SecretStr

from ops.index_schema import READER, WRITER
from seedcast.errors import AccessDenied
from seedcast.settings import AccountsSettings, DatabaseSettings, IndexSettings
from seedcast.storage.accounts.accounts import open_accounts
from seedcast.storage.index.database import connect
from seedcast.storage.index.migrate import migrate
from tests.builders import pages
from tests.builders.postgres_server import PostgresServer


def documented() -> str:
    """Return the statements of the page, for the database `seedcast`."""
    blocks = pages.blocks((pages.DOCS / "deploying.md").read_text())
    [statements] = [block.text for block in blocks if "CREATE SCHEMA" in block.text]
    return statements


def test_the_role_of_the_gateway_and_those_of_the_index_see_nothing_of_each_other(
    postgres: PostgresServer,
) -> None:
    place, own = postgres.new_database(), uuid4().hex[:8]
    database = place.url.rpartition("/")[2]
    writer, reader, gateway = (f"{name}_{own}" for name in ("writer", "reader", "gateway"))
    for name in (writer, reader, gateway):
        postgres.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{own}'")
    postgres.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    of_index = f"{WRITER}\n{READER}".format(database=database, writer=writer, reader=reader)
    postgres.execute(of_index, database)
    of_gateway = documented().replace("seedcast_gateway", gateway)
    postgres.execute(of_gateway.replace("DATABASE seedcast ", f"DATABASE {database} "), database)

    def called(name: str) -> dict[str, object]:
        url = place.url.replace("postgres@", f"{name}@")
        return {"url": url, "password": SecretStr(own), "tls": "disable"}

    migrate(IndexSettings(**called(writer)))
    accounts = AccountsSettings(**called(gateway))
    with open_accounts(accounts) as opened:
        key, secret = opened.add_key("door", "shop", ["speak"])
        assert opened.find(secret) == key
    for name in (writer, reader):
        refuse(IndexSettings(**called(name)), "SELECT * FROM seedcast_accounts.api_keys")
    refuse(accounts, "SELECT * FROM public.requests")


def refuse(settings: DatabaseSettings, statement: str) -> None:
    """Pass if the server denies it."""
    with (
        connect(settings, read_only=False) as database,
        pytest.raises(AccessDenied),
        database.transaction("overstepping") as connection,
    ):
        connection.exec_driver_sql(statement)
