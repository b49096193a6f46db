"""The gateway's accounts: API keys, idempotency keys, files, lists to be staged, and webhooks.

    tables.py     the schema
    keys.py       what a key is, and which may be made
    accounts.py   what the gateway and `seedcast keys` ask and write
    files.py      what was uploaded; the bytes are in the object store
    sessions.py   who has signed in to the page
    stagings.py   lists that a worker process checks or stages, one replica each
    webhooks.py   endpoints; webhook_tables.py and webhook_secrets.py are theirs
    outbox.py     what has happened, and whom it is to be told
    deliveries.py who tells it, and how that went
    batches.py    batches of speeches, and the one place where their end is written

They are in SQLite or PostgreSQL, opened and migrated as the index is. Nothing else holds them: no
rebuild of the index touches them, and a backup must.
"""
