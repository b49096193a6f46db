"""The gateway's accounts: API keys, and which requests were sent under which idempotency key.

    tables.py     the schema
    keys.py       what a key is, and which may be made
    accounts.py   what the gateway and `seedcast keys` ask and write

They are in SQLite or PostgreSQL, opened and migrated as the index is. Nothing else holds them: no
rebuild of the index touches them, and a backup must.
"""
