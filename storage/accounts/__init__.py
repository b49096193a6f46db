"""The gateway's accounts: API keys, idempotency keys, uploaded files, and lists to be staged.

    tables.py     the schema
    keys.py       what a key is, and which may be made
    accounts.py   what the gateway and `seedcast keys` ask and write
    files.py      what was uploaded; the bytes are in the object store
    stagings.py   lists that a worker process checks or stages, one replica each
    batches.py    batches of speeches, and the one place where their end is written

They are in SQLite or PostgreSQL, opened and migrated as the index is. Nothing else holds them: no
rebuild of the index touches them, and a backup must.
"""
