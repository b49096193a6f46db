"""The database of keys and webhooks that a command works on: no Kafka is needed."""

from typing import TYPE_CHECKING

from seedcast.cli.base import connected, load

if TYPE_CHECKING:
    from seedcast.settings import Settings
    from seedcast.storage.accounts.accounts import Accounts


def accounts_settings() -> "Settings":
    """Return those that name a database, or else the embedded stack's."""
    settings = load()
    return settings if settings.accounts.url else connected(store=False)


def accounts_database(settings: "Settings | None" = None) -> "Accounts":
    """Open that of `settings`, or of `accounts_settings`. Raises as `open_accounts` does."""
    from seedcast.storage.accounts.accounts import open_accounts

    return open_accounts((settings or accounts_settings()).accounts)
