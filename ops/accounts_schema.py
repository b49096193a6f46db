"""A generated part of docs/: the rights of the one role that uses the accounts."""

from ops.markdown import code_block

# Run in the database of the accounts, with the name of the role, which makes the tables.
GATEWAY = """\
GRANT CONNECT ON DATABASE {database} TO {gateway};
GRANT USAGE, CREATE ON SCHEMA public TO {gateway};"""


def grants() -> str:
    names = {"database": "seedcast_accounts", "gateway": "seedcast_gateway"}
    return code_block(GATEWAY.format(**names).splitlines())
