"""What a database is to hold: tables of one version, and how errors speak of them."""

from dataclasses import dataclass
from pathlib import Path

from seedcast.errors import Fatal, Retryable
from seedcast.settings import PREFIX


@dataclass(frozen=True, kw_only=True)
class Schema:
    title: str  # "the results index"
    section: str  # of the settings
    version_table: str  # Alembic's: the revision of the schema
    revisions: tuple[str, ...]  # all that were released, in order; the last is this version's
    migrations: Path  # Alembic's folder
    is_derived: bool  # it is made anew from other places, so that a power cut may lose the latest
    unavailable: type[Retryable]
    mismatch: type[Fatal]
    damaged: type[Fatal]  # its SQLite file
    migrate: str  # what brings an older one to this version
    restore: str  # what helps where it is damaged
    rights: str  # the page that has its roles

    def variable(self, field: str) -> str:
        """Return the environment variable of a setting."""
        return f"{PREFIX}{self.section}_{field}".upper()
