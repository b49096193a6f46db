"""Uploaded files: whose they are, how large, and until when. Their bytes are in the object store.

The row comes before the object and goes after it, so that no object is ever without a row: what a
crash leaves is swept by its row.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, exists, func, insert, or_, select, update

from seedcast.storage.accounts.tables import FILES, STAGINGS
from seedcast.storage.accounts.turns import take_turn
from seedcast.storage.index.database import Database
from seedcast.storage.index.values import moment, unix_ms

ABANDONED = timedelta(days=1)  # after which an upload that has not ended is swept
AT_ONCE = 100  # files that one sweep looks at


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is whole."""

    file_id: str
    tenant: str
    filename: str
    purpose: str
    bytes: int
    sha256: str
    created_at: datetime
    expires_at: datetime


class QuotaExceeded(Exception):
    """The key's files, and those that it uploads now, leave no room. `left`: bytes."""

    def __init__(self, left: int) -> None:
        super().__init__(f"{left:,} bytes are left")
        self.left = left


class FileInUse(Exception):
    """A list is staged from it at present."""


class Files:
    """Each method is a short transaction, and raises AccountsUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(
        self,
        file_id: str,
        tenant: str,
        key_id: str,
        quota: int,
        said: int | None,
        most: int,
        now: datetime,
    ) -> int:
        """Begin an upload; return how many bytes it may have.

        `said`: how many the client says they are. An upload that says nothing reserves `most`, or
        all that is left. Raises QuotaExceeded.
        """
        with self._database.transaction("reserving room for a file") as connection:
            left = quota - _used(connection, key_id)
            allowed = min(most, left) if said is None else said
            if left <= 0 or allowed > left:
                raise QuotaExceeded(max(0, left))
            connection.execute(
                insert(FILES).values(
                    file_id=file_id,
                    tenant=tenant,
                    key_id=key_id,
                    filename="",
                    purpose="",
                    bytes=allowed,
                    state="uploading",
                    created_ms=unix_ms(now),
                    expires_ms=unix_ms(now + ABANDONED),
                )
            )
            return allowed

    def store(
        self,
        file_id: str,
        filename: str,
        purpose: str,
        size: int,
        sha256: str,
        expires_at: datetime,
    ) -> StoredFile | None:
        """Say that an upload is whole; None if it took so long that it was swept."""
        statement = (
            update(FILES)
            .where(FILES.c.file_id == file_id, FILES.c.state == "uploading")
            .values(
                filename=filename,
                purpose=purpose,
                bytes=size,
                sha256=sha256,
                state="stored",
                expires_ms=unix_ms(expires_at),
            )
            .returning(*FILES.c)
        )
        with self._database.transaction("storing a file") as connection:
            row = connection.execute(statement).one_or_none()
        return _file(row) if row else None

    def find(self, file_id: str, tenant: str, now: datetime) -> StoredFile | None:
        query = select(*FILES.c).where(*_shown(tenant, now), FILES.c.file_id == file_id)
        with self._database.transaction("looking up a file") as connection:
            row = connection.execute(query).one_or_none()
        return _file(row) if row else None

    def page(
        self,
        tenant: str,
        now: datetime,
        *,
        limit: int,
        after: StoredFile | None,
        purpose: str | None,
        newest_first: bool,
    ) -> tuple[list[StoredFile], bool]:
        """Return a page of the tenant's files, and whether there are more."""
        place = FILES.c.created_ms, FILES.c.file_id
        query = select(*FILES.c).where(*_shown(tenant, now))
        if purpose is not None:
            query = query.where(FILES.c.purpose == purpose)
        if after is not None:
            query = query.where(_beyond(after, newest_first))
        order = [column.desc() if newest_first else column.asc() for column in place]
        with self._database.transaction("listing files") as connection:
            rows = connection.execute(query.order_by(*order).limit(limit + 1)).all()
        return [_file(row) for row in rows[:limit]], len(rows) > limit

    def begin_deleting(self, file_id: str) -> None:
        """Hide a file for good; its object is deleted next. Raises FileInUse."""
        hiding = update(FILES).where(FILES.c.file_id == file_id, ~_in_use())
        with self._database.transaction("deleting a file") as connection:
            found = connection.execute(hiding.values(state="deleting")).rowcount
            is_there = FILES.c.file_id == file_id
            if not found and connection.scalar(select(FILES.c.file_id).where(is_there)):
                raise FileInUse

    def forget(self, file_id: str) -> None:
        """Delete the row of a file whose object is gone."""
        with self._database.transaction("deleting a file") as connection:
            connection.execute(delete(FILES).where(FILES.c.file_id == file_id))

    def due(self, now: datetime) -> list[str]:
        """Return the ids of some files whose objects are to be deleted."""
        is_due = or_(FILES.c.expires_ms <= unix_ms(now), FILES.c.state == "deleting")
        query = select(FILES.c.file_id).where(is_due, ~_in_use()).limit(AT_ONCE)
        with self._database.transaction("looking for old files") as connection:
            return list(connection.scalars(query))


def _used(connection: Connection, key_id: str) -> int:
    """Return the bytes of the key's files. Who else asks for this key waits for our end."""
    take_turn(connection, "files", key_id)
    total = select(func.coalesce(func.sum(FILES.c.bytes), 0)).where(FILES.c.key_id == key_id)
    return int(connection.scalar(total) or 0)


def _in_use() -> Any:
    is_open = STAGINGS.c.state.in_(("queued", "staging"))
    return exists().where(STAGINGS.c.file_id == FILES.c.file_id, is_open)


def _shown(tenant: str, now: datetime) -> tuple[Any, ...]:
    return (
        FILES.c.tenant == tenant,
        FILES.c.state == "stored",
        FILES.c.expires_ms > unix_ms(now),
    )


def _beyond(after: StoredFile, newest_first: bool) -> Any:
    at, created = FILES.c.file_id, FILES.c.created_ms
    when = unix_ms(after.created_at)
    if newest_first:
        return or_(created < when, and_(created == when, at < after.file_id))
    return or_(created > when, and_(created == when, at > after.file_id))


def _file(row: Any) -> StoredFile:
    return StoredFile(
        file_id=row.file_id,
        tenant=row.tenant,
        filename=row.filename,
        purpose=row.purpose,
        bytes=row.bytes,
        sha256=row.sha256,
        created_at=moment(row.created_ms),
        expires_at=moment(row.expires_ms),
    )
