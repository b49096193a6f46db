"""The index's schema: what Alembic makes is what the tables say, from every released revision."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from seedcast.settings import IndexSettings
from seedcast.storage.index.database import connect
from seedcast.storage.index.migrate import migrate
from seedcast.storage.index.sqlite import path_of
from seedcast.storage.index.tables import INDEX, METADATA, REVISIONS, VERSION_TABLE
from tests.builders.indexed import add, campaign_of, counts, reading, request_id, result, writing

DUMPS = Path(__file__).parents[1] / "fixtures" / "index"


def test_every_revision_is_known_and_the_last_is_the_head() -> None:
    scripts = ScriptDirectory(str(INDEX.migrations))
    assert [each.revision for each in scripts.walk_revisions()][::-1] == list(REVISIONS)


# What SQLAlchemy does not read back from SQLite; test_index_plans.py shows that it is used there.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrated_schema_is_that_of_the_tables(index_settings: IndexSettings) -> None:
    assert migrate(index_settings) == (None, REVISIONS[-1])
    assert migrate(index_settings) == (REVISIONS[-1], REVISIONS[-1])
    with (
        connect(index_settings, read_only=False) as database,
        database.transaction("comparing") as connection,
    ):
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, METADATA) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_index_of_a_released_revision_is_migrated_with_all_that_it_holds(
    index_settings: IndexSettings, revision: str
) -> None:
    restore(index_settings, revision)
    assert migrate(index_settings) == (revision, REVISIONS[-1])
    assert counts(index_settings, "night") == (1, 1, 0, 0, 1)
    campaign = campaign_of(index_settings, "night")
    assert (campaign.fed, campaign.errors) == (3, {"unstable": 1})
    with reading(index_settings) as index:
        assert [each.status for each in index.rows("night")] == ["succeeded", "failed", None]
        assert [each.request_id for each in index.strays("night")] == [request_id(9)]
    with writing(index_settings) as writer:
        assert writer.positions == {0: 3, 1: 0}
        add(writer, result("night", 3), result("night", 1, "failed"))
        assert writer.complete() == ["night"]


def restore(settings: IndexSettings, revision: str) -> None:
    if settings.url.startswith("sqlite"):
        connection = sqlite3.connect(path_of(settings))
        connection.executescript((DUMPS / f"{revision}.sqlite.sql").read_text())
        connection.close()
        return
    dump = (DUMPS / f"{revision}.postgresql.sql").read_bytes()
    url = settings.url.replace(
        "://postgres@", f"://postgres:{settings.password.get_secret_value()}@"
    )
    with psycopg.connect(url) as connection:
        connection.execute(dump)
