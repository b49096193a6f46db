"""The results index: what became of every request, in SQLite or PostgreSQL.

    tables.py     the schema
    database.py   opens a database of settings, and compares its schema's version
    migrate.py    brings the schema to this version, by Alembic
    writer.py     what the active indexer writes
    reader.py     what everybody else asks
    pruning.py    what is deleted long after a list's end

The index is derived: rebuilt from the topics and the staged lists it is equal. It holds nothing of
the texts.
"""
