"""Batches of speeches, as OpenAI's API has them: each becomes a campaign of the same name.

A replica looks after a batch under a lease: it sees how far it is, and brings it to its end. Two
may look after one for a moment: what they do is the same, and only the first end is written.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from seedcast.storage.accounts.batch_records import (
    Batch,
    BatchStatus,
    BatchTerms,
    LineError,
    OutputFile,
    bad_lines_file,
)
from seedcast.storage.accounts.outbox import Event, put_event
from seedcast.storage.accounts.tables import BATCHES, FILES
from seedcast.storage.index.batch import upserting
from seedcast.storage.index.database import Database
from seedcast.storage.index.values import moment, unix_ms

OPEN: tuple[BatchStatus, ...] = ("validating", "in_progress", "finalizing", "cancelling")
AT_ONCE = 500  # that one sweep deletes
LEFT = timedelta(days=365)  # after its window no batch is open
_CANCELLABLE: tuple[BatchStatus, ...] = ("validating", "in_progress")


class Batches:
    """Each method is a short transaction, and raises AccountsUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, batch: Batch) -> Batch:
        """Store a new batch; return the one of its id, which may have been there."""
        row = {
            "batch_id": batch.batch_id,
            "tenant": batch.tenant,
            "key_id": batch.key_id,
            "terms": msgspec.json.encode(batch.terms),
            "input_file_id": batch.input_file_id,
            "status": batch.status,
            "completed": 0,
            "failed": 0,
            "lease_ms": 0,
            "created_ms": unix_ms(batch.created_at),
            "expires_ms": unix_ms(batch.expires_at),
        }
        with self._database.transaction("adding a batch") as connection:
            statement = upserting(connection)(BATCHES).values(**row).on_conflict_do_nothing()
            if connection.execute(statement.returning(BATCHES.c.batch_id)).first():
                connection.execute(insert(FILES).values(**_bad_lines(batch)))
            is_this = BATCHES.c.batch_id == batch.batch_id
            return _batch(connection.execute(select(BATCHES).where(is_this)).one())

    def find(self, batch_id: str, tenant: str) -> Batch | None:
        is_this = (BATCHES.c.batch_id == batch_id, BATCHES.c.tenant == tenant)
        with self._database.transaction("looking up a batch") as connection:
            row = connection.execute(select(BATCHES).where(*is_this)).one_or_none()
        return _batch(row) if row else None

    def page(self, tenant: str, *, limit: int, after: Batch | None) -> tuple[list[Batch], bool]:
        """Return a page of the tenant's batches, the newest first, and whether there are more."""
        created, name = BATCHES.c.created_ms, BATCHES.c.batch_id
        query = select(BATCHES).where(BATCHES.c.tenant == tenant)
        if after is not None:
            when = unix_ms(after.created_at)
            is_older = and_(created == when, name < after.batch_id)
            query = query.where(or_(created < when, is_older))
        query = query.order_by(created.desc(), name.desc()).limit(limit + 1)
        with self._database.transaction("listing batches") as connection:
            rows = connection.execute(query).all()
        return [_batch(row) for row in rows[:limit]], len(rows) > limit

    def cancel(self, batch_id: str, now: datetime) -> bool:
        """Begin to cancel it; False if it is too late, or has begun."""
        cancelling = update(BATCHES).where(
            BATCHES.c.batch_id == batch_id, BATCHES.c.status.in_(_CANCELLABLE)
        )
        values = {"status": "cancelling", "cancelling_ms": unix_ms(now)}
        with self._database.transaction("cancelling a batch") as connection:
            return connection.execute(cancelling.values(**values)).rowcount > 0

    def take(self, owner: str, now: datetime, lease: timedelta) -> Batch | None:
        """Return an open batch that nobody looks after, the one that waits longest, and lease it
        to `owner`."""
        waiting = (
            select(BATCHES.c.batch_id)
            .where(BATCHES.c.status.in_(OPEN), BATCHES.c.lease_ms <= unix_ms(now))
            .order_by(BATCHES.c.lease_ms)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        taking = update(BATCHES).where(BATCHES.c.batch_id == waiting.scalar_subquery())
        values = {"owner": owner, "lease_ms": unix_ms(now + lease)}
        with self._database.transaction("taking a batch") as connection:
            row = connection.execute(taking.values(**values).returning(*BATCHES.c)).one_or_none()
        return _batch(row) if row else None

    def look_again(self, batch: Batch, when: datetime) -> bool:
        """Keep the lease until then; False if another has it. Afterwards anybody may take it."""
        return self._change(batch, OPEN, {"lease_ms": unix_ms(when)})

    def counted(self, batch: Batch, completed: int, failed: int) -> bool:
        return self._change(batch, OPEN, {"completed": completed, "failed": failed})

    def staged(self, batch: Batch, total: int, accepted: int, failed: int, now: datetime) -> bool:
        """Say that its lines were read, and that those that are accepted are a campaign.

        One that is being cancelled stays so.
        """
        values: dict[str, Any] = {"total": total, "accepted": accepted, "failed": failed}
        if batch.status == "validating":
            values |= {"status": "in_progress", "in_progress_ms": unix_ms(now)}
        return self._change(batch, (batch.status,), values)

    def finalizing(self, batch: Batch, now: datetime) -> bool:
        values = {"status": "finalizing", "finalizing_ms": unix_ms(now)}
        return self._change(batch, (batch.status,), values)

    def end(
        self,
        batch: Batch,
        status: BatchStatus,
        now: datetime,
        *,
        output: OutputFile | None = None,
        error: OutputFile | None = None,
        errors: tuple[LineError, ...] | None = None,
    ) -> bool:
        """Write how it has ended, show its files, and let webhooks tell it: nothing else does.

        False if another replica has it, or it was cancelled meanwhile: then nothing is changed.
        """
        values = {
            "status": status,
            "ended_ms": unix_ms(now),
            "owner": None,
            "output_file_id": output.file_id if output else None,
            "error_file_id": error.file_id if error else None,
            "errors": msgspec.json.encode(errors) if errors else None,
        }
        with self._database.transaction("ending a batch") as connection:
            if not _changed(connection, batch, (batch.status,), values):
                return False
            for file in (output, error):
                if file is not None:
                    _show(connection, file)
            is_bad = FILES.c.file_id == bad_lines_file(batch.batch_id)
            connection.execute(update(FILES).where(is_bad).values(state="deleting"))
            put_event(connection, _ended(batch, status), now)
            return True

    def forget(self, before: datetime) -> int:
        """Delete some that ended before. Their campaigns stay, and files end by themselves."""
        old = select(BATCHES.c.batch_id).where(BATCHES.c.ended_ms < unix_ms(before)).limit(AT_ONCE)
        with self._database.transaction("forgetting batches") as connection:
            return connection.execute(delete(BATCHES).where(BATCHES.c.batch_id.in_(old))).rowcount

    def _change(
        self, batch: Batch, allowed: Collection[BatchStatus], values: Mapping[str, Any]
    ) -> bool:
        with self._database.transaction("changing a batch") as connection:
            return _changed(connection, batch, allowed, values)


def _changed(
    connection: Connection,
    batch: Batch,
    allowed: Collection[BatchStatus],
    values: Mapping[str, Any],
) -> bool:
    is_ours = (
        BATCHES.c.batch_id == batch.batch_id,
        BATCHES.c.owner == batch.owner,
        BATCHES.c.status.in_(allowed),
    )
    return connection.execute(update(BATCHES).where(*is_ours).values(**values)).rowcount > 0


def _show(connection: Connection, file: OutputFile) -> None:
    statement = (
        update(FILES)
        .where(FILES.c.file_id == file.file_id, FILES.c.state == "uploading")
        .values(
            filename=file.filename,
            purpose="batch_output",
            bytes=file.bytes,
            sha256=file.sha256,
            state="stored",
            expires_ms=unix_ms(file.expires_at),
        )
    )
    connection.execute(statement)


def _ended(batch: Batch, status: BatchStatus) -> Event:
    return Event(
        tenant=batch.tenant,
        subject=f"batch {batch.batch_id}",
        type=f"batch.{status}",
        data={"id": batch.batch_id},
    )


def _bad_lines(batch: Batch) -> dict[str, Any]:
    """Return the row of a file that may be stored, so that the sweep finds it, whatever comes."""
    return {
        "file_id": bad_lines_file(batch.batch_id),
        "tenant": batch.tenant,
        "key_id": batch.key_id,
        "filename": "",
        "purpose": "",
        "bytes": 0,
        "state": "uploading",
        "created_ms": unix_ms(batch.created_at),
        "expires_ms": unix_ms(batch.expires_at + LEFT),
    }


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else moment(ms)


def _batch(row: Any) -> Batch:
    errors = msgspec.json.decode(row.errors, type=tuple[LineError, ...]) if row.errors else None
    return Batch(
        batch_id=row.batch_id,
        tenant=row.tenant,
        key_id=row.key_id,
        terms=msgspec.json.decode(row.terms, type=BatchTerms),
        input_file_id=row.input_file_id,
        status=cast(BatchStatus, row.status),
        errors=errors,
        total=row.total,
        accepted=row.accepted,
        completed=row.completed,
        failed=row.failed,
        output_file_id=row.output_file_id,
        error_file_id=row.error_file_id,
        owner=row.owner,
        created_at=moment(row.created_ms),
        expires_at=moment(row.expires_ms),
        in_progress_at=_moment(row.in_progress_ms),
        finalizing_at=_moment(row.finalizing_ms),
        cancelling_at=_moment(row.cancelling_ms),
        ended_at=_moment(row.ended_ms),
    )
