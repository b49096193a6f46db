"""Alembic's environment: `migrate` hands over a connection in a transaction."""

from alembic import context

from seedcast.storage.accounts.tables import ACCOUNTS, METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=ACCOUNTS.version_table,
    transactional_ddl=True,  # SQLite, too: the driver begins no transaction of its own
)
context.run_migrations()
