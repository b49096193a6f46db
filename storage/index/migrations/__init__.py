"""Migrations of the schema of the index, by Alembic. A released one is never changed."""
