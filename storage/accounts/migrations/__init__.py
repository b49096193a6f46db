"""Migrations of the schema of the accounts, by Alembic. A released one is never changed."""
