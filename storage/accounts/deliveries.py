"""Deliveries of events to endpoints: leased to one replica, tried again, and to be seen.

Each event reaches its endpoint at least once: a replica that dies with one leaves it to another
when its lease runs out. The next event of the same campaign waits until this one has ended.
"""

from datetime import datetime, timedelta
from typing import Any, Literal, cast

import msgspec
from sqlalchemy import Connection, Select, and_, delete, exists, func, or_, select, tuple_, update

from seedcast.storage.accounts.webhook_tables import WEBHOOK_DELIVERIES, WEBHOOK_EVENTS, WEBHOOKS
from seedcast.storage.accounts.webhooks import TEST
from seedcast.storage.index.database import Database
from seedcast.storage.index.values import moment, unix_ms

DeliveryState = Literal["waiting", "delivered", "failed"]
AT_ONCE = 500  # rows that one sweep changes
_SENT, _EVENT = WEBHOOK_DELIVERIES.c, WEBHOOK_EVENTS.c
_KEY = (_SENT.webhook_id, _SENT.number)


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint, as its tenant sees it."""

    webhook_id: str
    event_id: str
    type: str
    subject: str
    state: DeliveryState
    attempts: int
    status: int | None  # of the last answer
    problem: str | None  # of the last attempt
    created_at: datetime
    tried_at: datetime | None
    due_at: datetime | None  # the next attempt; None: it is under way, or has ended
    ended_at: datetime | None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that this replica is to make, with all that it needs."""

    webhook_id: str
    number: int
    owner: str
    attempts: int  # before this one
    url: str
    secrets: tuple[bytes, ...]  # encrypted, the newest first; each signs
    event_id: str
    type: str
    body: bytes
    since: datetime  # when it was made, or made again: it is tried from then on


class Deliveries:
    """Each method is a short transaction, and raises AccountsUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, owner: str, now: datetime, lease: timedelta) -> Taken | None:
        """Return a delivery that is due, and lease it to `owner`.

        An endpoint has one at a time, so that one that hangs holds up no other.
        """
        chosen = _due(now).order_by(_SENT.due_ms, _SENT.number).limit(1)
        chosen = chosen.with_for_update(skip_locked=True, of=WEBHOOK_DELIVERIES)
        with self._database.transaction("taking a delivery") as connection:
            if (key := connection.execute(chosen).one_or_none()) is None:
                return None
            is_it = and_(_SENT.webhook_id == key.webhook_id, _SENT.number == key.number)
            values = {"owner": owner, "due_ms": unix_ms(now + lease)}
            connection.execute(update(WEBHOOK_DELIVERIES).where(is_it).values(values))
            row = connection.execute(_with_event(*_TAKEN).where(is_it)).one()
        return _taken(row, owner, now)

    def oldest_due(self, now: datetime) -> datetime | None:
        """Return since when the first delivery waits that could be made now."""
        query = _due(now).with_only_columns(func.min(_SENT.due_ms))
        with self._database.transaction("looking for deliveries") as connection:
            found = connection.scalar(query)
        return None if found is None else moment(found)

    def delivered(self, taken: Taken, now: datetime, status: int) -> None:
        values = {"state": "delivered", "ended_ms": unix_ms(now)}
        well = {"failing_ms": None, "succeeded_ms": unix_ms(now)}
        is_it = WEBHOOKS.c.webhook_id == taken.webhook_id
        with self._database.transaction("ending a delivery") as connection:
            # The endpoint first, in the order of who removes one.
            connection.execute(update(WEBHOOKS).where(is_it).values(well))
            connection.execute(_tried(taken, now, status, None, values))

    def failed(
        self,
        taken: Taken,
        now: datetime,
        status: int | None,
        problem: str,
        again: datetime | None,
        *,
        gone: bool = False,
    ) -> str | None:
        """Say that an attempt failed; return why that disables the endpoint, if it does.

        `again`: when it is tried next; None: never. That disables an endpoint to which nothing was
        delivered for as long as it was tried. `gone`: it wants nothing any more.
        """
        if again is None or gone:
            values: dict[str, Any] = {"state": "failed", "ended_ms": unix_ms(now)}
        else:
            values = {"due_ms": unix_ms(again)}
        reason = None
        if gone:
            reason = "it answered 410 Gone"
        elif again is None:
            days = (now - taken.since) / timedelta(days=1)
            reason = f"nothing was delivered to it for {days:.3g} days"
        is_it = WEBHOOKS.c.webhook_id == taken.webhook_id
        failing = func.coalesce(WEBHOOKS.c.failing_ms, unix_ms(now))
        with self._database.transaction("ending an attempt of a delivery") as connection:
            connection.execute(update(WEBHOOKS).where(is_it).values(failing_ms=failing))
            is_disabled = reason is not None and _disable(connection, taken, reason, gone)
            connection.execute(_tried(taken, now, status, problem, values))
        return reason if is_disabled else None

    def release(self, taken: Taken, now: datetime) -> None:
        """Let any replica take it at once. It does not count as an attempt."""
        values = {"owner": None, "due_ms": unix_ms(now)}
        with self._database.transaction("handing back a delivery") as connection:
            connection.execute(update(WEBHOOK_DELIVERIES).where(*_is_ours(taken)).values(values))

    def page(
        self, webhook_id: str, *, limit: int, after: str | None = None
    ) -> tuple[list[Delivery], bool]:
        """Return an endpoint's deliveries, the newest first, and whether there are more.

        `after`: the event of the last one of the page before.
        """
        query = _with_event(*_SHOWN).where(_SENT.webhook_id == webhook_id)
        if after is not None:
            last = select(_EVENT.number).where(_EVENT.event_id == after).scalar_subquery()
            query = query.where(_SENT.number < last)
        query = query.order_by(_SENT.number.desc()).limit(limit + 1)
        with self._database.transaction("listing deliveries") as connection:
            rows = connection.execute(query).all()
        return [_delivery(row) for row in rows[:limit]], len(rows) > limit

    def find(self, webhook_id: str, event_id: str) -> Delivery | None:
        query = _with_event(*_SHOWN).where(_SENT.webhook_id == webhook_id)
        with self._database.transaction("looking up a delivery") as connection:
            row = connection.execute(query.where(_EVENT.event_id == event_id)).one_or_none()
        return _delivery(row) if row else None

    def resend(self, webhook_id: str, event_id: str, now: datetime) -> bool:
        """Make a delivery again that has ended, as a new one is made.

        False if it still waits, or its endpoint is disabled.
        """
        number = select(_EVENT.number).where(_EVENT.event_id == event_id).scalar_subquery()
        enabled = exists().where(WEBHOOKS.c.webhook_id == webhook_id, WEBHOOKS.c.state == "enabled")
        has_ended = (
            _SENT.webhook_id == webhook_id,
            _SENT.number == number,
            _SENT.state != "waiting",
        )
        values = {
            "state": "waiting",
            "attempts": 0,
            "due_ms": unix_ms(now),
            "ended_ms": None,
            "resent_ms": unix_ms(now),
        }
        again = update(WEBHOOK_DELIVERIES).where(*has_ended, enabled).values(values)
        with self._database.transaction("making a delivery again") as connection:
            return connection.execute(again).rowcount > 0

    def give_up(self, before: datetime, now: datetime) -> int:
        """End some that wait for endpoints which are disabled, and were made before."""
        disabled = select(WEBHOOKS.c.webhook_id).where(WEBHOOKS.c.state == "disabled")
        since = func.coalesce(_SENT.resent_ms, _EVENT.created_ms)
        is_old = (_SENT.state == "waiting", since < unix_ms(before))
        some = _with_event(*_KEY).where(*is_old, _SENT.webhook_id.in_(disabled)).limit(AT_ONCE)
        ending = update(WEBHOOK_DELIVERIES).where(tuple_(*_KEY).in_(some))
        values = {"state": "failed", "ended_ms": unix_ms(now), "problem": "it was disabled"}
        with self._database.transaction("giving up deliveries") as connection:
            return connection.execute(ending.values(values)).rowcount

    def forget(self, before: datetime) -> int:
        """Delete some that ended before, and the bodies of events that nobody waits for."""
        old = select(*_KEY).where(_SENT.ended_ms < unix_ms(before)).limit(AT_ONCE)
        is_told = ~exists().where(_SENT.number == _EVENT.number)
        untold = and_(_EVENT.created_ms < unix_ms(before), is_told)
        tests = delete(WEBHOOK_EVENTS).where(untold, _EVENT.type == TEST)
        bodies = update(WEBHOOK_EVENTS).where(untold, _EVENT.body.is_not(None))
        with self._database.transaction("forgetting deliveries") as connection:
            forgetting = delete(WEBHOOK_DELIVERIES).where(tuple_(*_KEY).in_(old))
            count = connection.execute(forgetting).rowcount
            connection.execute(tests)
            connection.execute(bodies.values(body=None))
        return count

    def forget_events(self, before: datetime) -> int:
        """Delete some events that were made before, and that no delivery is shown of."""
        is_told = ~exists().where(_SENT.number == _EVENT.number)
        some = select(_EVENT.number).where(_EVENT.created_ms < unix_ms(before), is_told)
        forgetting = delete(WEBHOOK_EVENTS).where(_EVENT.number.in_(some.limit(AT_ONCE)))
        with self._database.transaction("forgetting events") as connection:
            return connection.execute(forgetting).rowcount


_SHOWN = (*WEBHOOK_DELIVERIES.c, _EVENT.event_id, _EVENT.type, _EVENT.created_ms)
_TAKEN = (
    *_SHOWN,
    _EVENT.body,
    WEBHOOKS.c.url,
    WEBHOOKS.c.secret,
    WEBHOOKS.c.old_secret,
    WEBHOOKS.c.old_until_ms,
)


def _with_event(*columns: Any) -> Select[Any]:
    joined = WEBHOOK_DELIVERIES.join(WEBHOOK_EVENTS).join(WEBHOOKS)
    return select(*columns).select_from(joined)


def _due(now: datetime) -> Select[Any]:
    """Return those that may be made now: enabled, none before them, none of theirs under way."""
    earlier, busy = WEBHOOK_DELIVERIES.alias(), WEBHOOK_DELIVERIES.alias()
    is_enabled = exists().where(
        WEBHOOKS.c.webhook_id == _SENT.webhook_id, WEBHOOKS.c.state == "enabled"
    )
    is_behind = exists().where(
        earlier.c.webhook_id == _SENT.webhook_id,
        earlier.c.subject == _SENT.subject,
        earlier.c.state == "waiting",
        earlier.c.number < _SENT.number,
    )
    is_busy = exists().where(
        busy.c.webhook_id == _SENT.webhook_id,
        busy.c.state == "waiting",
        busy.c.owner.is_not(None),
        busy.c.due_ms > unix_ms(now),
    )
    is_due = (_SENT.state == "waiting", _SENT.due_ms <= unix_ms(now))
    return select(*_KEY).where(*is_due, is_enabled, ~is_behind, ~is_busy)


def _disable(connection: Connection, taken: Taken, reason: str, gone: bool) -> bool:
    """Return False if it is disabled already, or something was delivered to it meanwhile."""
    where = [WEBHOOKS.c.webhook_id == taken.webhook_id, WEBHOOKS.c.state == "enabled"]
    if not gone:
        last = WEBHOOKS.c.succeeded_ms
        where.append(or_(last.is_(None), last < unix_ms(taken.since)))
    disabling = update(WEBHOOKS).where(*where).values(state="disabled", reason=reason)
    return connection.execute(disabling).rowcount > 0


def _is_ours(taken: Taken) -> tuple[Any, ...]:
    return (
        _SENT.webhook_id == taken.webhook_id,
        _SENT.number == taken.number,
        _SENT.owner == taken.owner,
        _SENT.state == "waiting",
    )


def _tried(
    taken: Taken, now: datetime, status: int | None, problem: str | None, values: dict[str, Any]
) -> Any:
    """Return what writes an attempt. One that another replica has taken over changes nothing."""
    tried = {
        "attempts": _SENT.attempts + 1,
        "owner": None,
        "status": status,
        "problem": problem,
        "tried_ms": unix_ms(now),
    }
    return update(WEBHOOK_DELIVERIES).where(*_is_ours(taken)).values(tried | values)


def _taken(row: Any, owner: str, now: datetime) -> Taken:
    has_old = row.old_secret is not None and row.old_until_ms > unix_ms(now)
    return Taken(
        webhook_id=row.webhook_id,
        number=row.number,
        owner=owner,
        attempts=row.attempts,
        url=row.url,
        secrets=(bytes(row.secret), *((bytes(row.old_secret),) if has_old else ())),
        event_id=row.event_id,
        type=row.type,
        body=bytes(row.body),
        since=moment(row.resent_ms or row.created_ms),
    )


def _delivery(row: Any) -> Delivery:
    waits = row.state == "waiting" and row.owner is None
    return Delivery(
        webhook_id=row.webhook_id,
        event_id=row.event_id,
        type=row.type,
        subject=row.subject,
        state=cast(DeliveryState, row.state),
        attempts=row.attempts,
        status=row.status,
        problem=row.problem,
        created_at=moment(row.created_ms),
        tried_at=None if row.tried_ms is None else moment(row.tried_ms),
        due_at=moment(row.due_ms) if waits else None,
        ended_at=None if row.ended_ms is None else moment(row.ended_ms),
    )
