"""Lists to be checked or staged by a worker process of some replica, one replica each.

A replica that takes one has a lease, which it renews while its process works. Where the lease runs
out, the replica is gone, and another takes the list. Both may work on it for a moment: that is
harmless, since only the campaign's record commits a staging, and the first record wins whole.
"""

from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Literal, cast

import msgspec
from sqlalchemy import Connection, delete, select, update

from seedcast.storage.accounts.tables import STAGINGS
from seedcast.storage.index.batch import upserting
from seedcast.storage.index.database import Database
from seedcast.storage.index.values import moment, unix_ms

StagingState = Literal["queued", "staging", "done", "refused", "failed"]
AT_ONCE = 100  # that one sweep looks at
ATTEMPTS = 3  # processes that may end without having finished it
_OPEN: tuple[StagingState, ...] = ("queued", "staging")


class Staging(msgspec.Struct, frozen=True, kw_only=True):
    """One list on its way. `refused`: it is wrong; `failed`: no process came to its end."""

    slot: str
    job_id: str
    tenant: str
    campaign_id: str
    is_check: bool
    file_id: str
    digest: str
    options: bytes
    state: StagingState
    rows: int
    accepted: int
    rejected: int
    waiting: str | None
    attempts: int
    owner: str | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state in _OPEN


def slot(tenant: str, campaign_id: str, *, is_check: bool) -> str:
    """Return what only one staging has at a time.

    Campaigns of all tenants share their names. A check makes no campaign, so its name is free.
    """
    return f"check {tenant} {campaign_id}" if is_check else f"campaign {campaign_id}"


class Stagings:
    """Each method is a short transaction, and raises AccountsUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        tenant: str,
        campaign_id: str,
        file_id: str,
        digest: str,
        options: bytes,
        now: datetime,
        *,
        is_check: bool,
    ) -> tuple[Staging, str | None]:
        """Queue a list; return the staging that has its slot now, which may be an earlier one.

        One that was refused or has failed makes room for the next, and so does a check that is
        done: then its job id is returned, too. Of several at once exactly one comes first.
        """
        row = {
            "slot": slot(tenant, campaign_id, is_check=is_check),
            "job_id": f"staging-{token_hex(12)}",
            "tenant": tenant,
            "campaign_id": campaign_id,
            "is_check": is_check,
            "file_id": file_id,
            "digest": digest,
            "options": options,
            "state": "queued",
            "rows": 0,
            "accepted": 0,
            "rejected": 0,
            "attempts": 0,
            "lease_ms": 0,
            "created_ms": unix_ms(now),
        }
        is_slot = STAGINGS.c.slot == row["slot"]
        replaced: str | None = None
        with self._database.transaction("queueing a list") as connection:
            while True:  # again if another replica forgot it between INSERT and SELECT
                if made := _insert(connection, row):
                    return made, replaced
                found = connection.execute(select(STAGINGS).where(is_slot).with_for_update())
                if (there := found.one_or_none()) is None:
                    continue
                earlier = _staging(there)
                if not _makes_room(earlier, digest):
                    return earlier, None
                replaced = earlier.job_id
                connection.execute(delete(STAGINGS).where(is_slot))

    def find(self, tenant: str, campaign_id: str, *, is_check: bool) -> Staging | None:
        """Return the staging in that slot; for a campaign's, of whatever tenant."""
        is_slot = STAGINGS.c.slot == slot(tenant, campaign_id, is_check=is_check)
        with self._database.transaction("looking up a list") as connection:
            row = connection.execute(select(STAGINGS).where(is_slot)).one_or_none()
        return _staging(row) if row else None

    def take(self, owner: str, now: datetime, lease: timedelta) -> Staging | None:
        """Return a list that nobody works on, the oldest first, and lease it to `owner`."""
        oldest = (
            select(STAGINGS.c.slot)
            .where(STAGINGS.c.state.in_(_OPEN), STAGINGS.c.lease_ms <= unix_ms(now))
            .where(STAGINGS.c.attempts < ATTEMPTS)
            .order_by(STAGINGS.c.created_ms)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        taking = (
            update(STAGINGS)
            .where(STAGINGS.c.slot == oldest.scalar_subquery())
            .values(
                state="staging",
                owner=owner,
                lease_ms=unix_ms(now + lease),
                attempts=STAGINGS.c.attempts + 1,
                waiting=None,
            )
        )
        with self._database.transaction("taking a list") as connection:
            row = connection.execute(taking.returning(*STAGINGS.c)).one_or_none()
        return _staging(row) if row else None

    def give_up(self, now: datetime) -> list[str]:
        """End what was attempted often enough as failed; return the names of its campaigns."""
        columns = STAGINGS.c
        given_up = (
            update(STAGINGS)
            .where(columns.state.in_(_OPEN), columns.lease_ms <= unix_ms(now))
            .where(columns.attempts >= ATTEMPTS)
            .values(state="failed", ended_ms=unix_ms(now))
        )
        with self._database.transaction("giving up lists") as connection:
            return list(connection.scalars(given_up.returning(columns.campaign_id)))

    def renew(
        self,
        staging: Staging,
        now: datetime,
        lease: timedelta,
        counts: tuple[int, int, int],
        waiting: str | None,
    ) -> bool:
        """Say how far it is, and keep the lease; False if another has it.

        `counts`: rows, accepted, rejected.
        """
        values = _counted(counts) | {"waiting": waiting, "lease_ms": unix_ms(now + lease)}
        return self._change(staging, values)

    def release(self, staging: Staging, until: datetime, *, counts: bool) -> bool:
        """Let any replica take it from `until` on. `counts`: as an attempt that failed."""
        values: dict[str, Any] = {"state": "queued", "owner": None, "lease_ms": unix_ms(until)}
        if not counts:
            values["attempts"] = STAGINGS.c.attempts - 1
        return self._change(staging, values)

    def end(
        self,
        staging: Staging,
        state: StagingState,
        now: datetime,
        counts: tuple[int, int, int],
    ) -> bool:
        values = _counted(counts) | {"state": state, "waiting": None, "ended_ms": unix_ms(now)}
        return self._change(staging, values)

    def old(self, before: datetime) -> list[str]:
        """Return the job ids of some that ended before. Their reports go before their rows."""
        query = select(STAGINGS.c.job_id).where(STAGINGS.c.ended_ms < unix_ms(before))
        with self._database.transaction("looking for old lists") as connection:
            return list(connection.scalars(query.limit(AT_ONCE)))

    def forget(self, job_id: str) -> None:
        with self._database.transaction("forgetting a list") as connection:
            connection.execute(delete(STAGINGS).where(STAGINGS.c.job_id == job_id))

    def _change(self, staging: Staging, values: dict[str, Any]) -> bool:
        is_ours = (
            STAGINGS.c.job_id == staging.job_id,
            STAGINGS.c.owner == staging.owner,
            STAGINGS.c.state == "staging",
        )
        with self._database.transaction("changing a list's state") as connection:
            return connection.execute(update(STAGINGS).where(*is_ours).values(values)).rowcount > 0


def _insert(connection: Connection, row: dict[str, object]) -> Staging | None:
    """Return None if the slot is taken. Waits for another who is writing it."""
    statement = upserting(connection)(STAGINGS).values(**row).on_conflict_do_nothing()
    made = connection.execute(statement.returning(*STAGINGS.c)).one_or_none()
    return _staging(made) if made else None


def _makes_room(earlier: Staging, digest: str) -> bool:
    if earlier.state in ("refused", "failed"):
        return True
    return earlier.is_check and earlier.state == "done" and earlier.digest != digest


def _counted(counts: tuple[int, int, int]) -> dict[str, Any]:
    return dict(zip(("rows", "accepted", "rejected"), counts, strict=True))


def _staging(row: Any) -> Staging:
    return Staging(
        slot=row.slot,
        job_id=row.job_id,
        tenant=row.tenant,
        campaign_id=row.campaign_id,
        is_check=row.is_check,
        file_id=row.file_id,
        digest=row.digest,
        options=row.options,
        state=cast(StagingState, row.state),
        rows=row.rows,
        accepted=row.accepted,
        rejected=row.rejected,
        waiting=row.waiting,
        attempts=row.attempts,
        owner=row.owner,
        created_at=moment(row.created_ms),
        ended_at=None if row.ended_ms is None else moment(row.ended_ms),
    )
