"""Generated parts of docs/: the tables of the results index, and the rights of its two roles."""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from ops.markdown import code_block, table
from seedcast.storage.index.tables import METADATA

# Run in the index's database, with the names of the roles. The writer makes the tables.
WRITER = """\
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {writer};
GRANT USAGE, CREATE ON SCHEMA public TO {writer};"""
READER = """\
GRANT CONNECT ON DATABASE {database} TO {reader};
GRANT USAGE ON SCHEMA public TO {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {writer} IN SCHEMA public GRANT SELECT ON TABLES TO {reader};"""


def grants() -> str:
    """Return the statements that make the two roles."""
    names = {"database": "seedcast", "writer": "seedcast_indexer", "reader": "seedcast_reader"}
    return code_block(f"{WRITER}\n{READER}".format(**names).splitlines())


def tables() -> str:
    """Return one table of columns per table of the index, and its indexes."""
    return "\n\n".join(map(_one, METADATA.sorted_tables))


def _one(each: Table) -> str:
    keys = {column.name for column in each.primary_key}
    rows = (
        (
            f"`{column.name}`{' (key)' if column.name in keys else ''}",
            column.type.compile(postgresql.dialect()).lower().partition(" collate")[0],
            "yes" if column.nullable else "",
            column.doc or "",
        )
        for column in each.columns
    )
    indexes = sorted(
        "`(" + ", ".join(column.name for column in index.columns) + ")`" for index in each.indexes
    )
    parts = [f"## {each.name}", table(("column", "type", "may be null", "meaning"), rows)]
    return "\n\n".join(parts + ([f"Indexes: {', '.join(indexes)}."] if indexes else []))
