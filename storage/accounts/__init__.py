"""The gateway's accounts: API keys, idempotency keys, uploaded files, and lists to be staged.

    tables.py     the schema
    keys.py       what a key is, and which may be made
    accounts.py   what the gateway and `seedcast keys` ask and write
    files.py      what was uploaded; the bytes are in the object store
    sessions.py   who has signed in to the page
    stagings.py   lists that a worker process checks or stages, one replica each

They are in SQLite or PostgreSQL, opened and migrated as the index is. Nothing else holds them: no
rebuild of the index touches them, and a backup must.
"""
