"""The outbox of webhooks: what has happened, and to whom it is still to be told.

An event, and a delivery to each endpoint that wants it, are written in one transaction. Whoever
sees that something has happened may write it: of several replicas the first does, by a unique key.
"""

from collections.abc import Iterable
from datetime import datetime
from secrets import token_hex
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, insert, select, update

from seedcast.storage.accounts.webhook_tables import (
    WEBHOOK_DELIVERIES,
    WEBHOOK_EVENTS,
    WEBHOOK_POSITION,
    WEBHOOKS,
)
from seedcast.storage.accounts.webhooks import TEST, webhook_of
from seedcast.storage.index.batch import upserting
from seedcast.storage.index.database import Database
from seedcast.storage.index.values import moment, unix_ms

_CAMPAIGNS = "campaigns"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened. `data` is what receivers are told: an object with an `id`."""

    tenant: str
    subject: str  # `campaign NAME` or `batch ID`: it has one event of each type
    type: str  # one of EVENT_TYPES
    data: dict[str, Any]


class Position(NamedTuple):
    """How far the changes of campaigns are looked through."""

    seen: int
    begun: int  # what had changed up to this number is told to nobody


class Outbox:
    """Each method is a short transaction, and raises AccountsUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, event: Event, now: datetime) -> bool:
        """Write an event, such as a batch's; False if it is there already. Safe to repeat."""
        with self._database.transaction("writing an event") as connection:
            return put_event(connection, event, now)

    def put_test(self, webhook_id: str, now: datetime) -> str | None:
        """Write a test event for one endpoint alone; return its id, None if it is disabled."""
        is_this = (WEBHOOKS.c.webhook_id == webhook_id, WEBHOOKS.c.state == "enabled")
        with self._database.transaction("writing a test event") as connection:
            query = select(WEBHOOKS.c.tenant).where(*is_this).with_for_update()
            if (tenant := connection.scalar(query)) is None:
                return None
            event_id = _event_id()
            event = Event(tenant=tenant, subject=event_id, type=TEST, data={"id": webhook_id})
            written = insert(WEBHOOK_EVENTS).values(**_row(event, event_id, now))
            number = connection.scalar(written.returning(WEBHOOK_EVENTS.c.number))
            delivery = _deliveries([webhook_id], number, event_id, now)
            connection.execute(insert(WEBHOOK_DELIVERIES), delivery)
            return event_id

    def position(self) -> Position | None:
        """Return where to go on; None if no gateway has looked yet."""
        query = select(WEBHOOK_POSITION.c.seen, WEBHOOK_POSITION.c.begun)
        query = query.where(WEBHOOK_POSITION.c.name == _CAMPAIGNS)
        with self._database.transaction("reading the position of webhooks") as connection:
            row = connection.execute(query).one_or_none()
        return Position(*row) if row else None

    def begin(self, newest: int) -> Position:
        """Begin with the changes after this number, unless another replica has begun."""
        with self._database.transaction("beginning with webhooks") as connection:
            values = {"name": _CAMPAIGNS, "seen": 0, "begun": newest}
            statement = upserting(connection)(WEBHOOK_POSITION).values(values)
            connection.execute(statement.on_conflict_do_nothing())
            return Position(*_lock_position(connection))

    def record(
        self, events: Iterable[Event], seen: int | None, now: datetime, *, silent: bool
    ) -> int:
        """Write events of campaigns, in their order; return how many are to be delivered.

        `seen`: all events of changes up to this number are here with that. `silent`: they are from
        before webhooks began, so nobody is told.
        """
        with self._database.transaction("writing events") as connection:
            position = _lock_position(connection)  # so that replicas do not block each other's rows
            new = sum([put_event(connection, event, now, silent=silent) for event in events])
            if seen is not None and seen > position.seen:
                is_it = WEBHOOK_POSITION.c.name == _CAMPAIGNS
                connection.execute(update(WEBHOOK_POSITION).where(is_it).values(seen=seen))
        return 0 if silent else new


def _lock_position(connection: Connection) -> Any:
    query = select(WEBHOOK_POSITION.c.seen, WEBHOOK_POSITION.c.begun)
    query = query.where(WEBHOOK_POSITION.c.name == _CAMPAIGNS)
    return connection.execute(query.with_for_update()).one()


def put_event(connection: Connection, event: Event, now: datetime, *, silent: bool = False) -> bool:
    """Write an event in the caller's transaction; False if it is there already.

    `silent`: nobody is told.
    """
    row = _row(event, _event_id(), now)
    if silent:
        row["body"] = None
    statement = upserting(connection)(WEBHOOK_EVENTS).values(**row).on_conflict_do_nothing()
    number = connection.scalar(statement.returning(WEBHOOK_EVENTS.c.number))
    if number is None:
        return False
    wanted = [] if silent else _wanting(connection, event)
    if wanted:
        deliveries = _deliveries(wanted, number, event.subject, now)
        connection.execute(insert(WEBHOOK_DELIVERIES), deliveries)
    return True


def _wanting(connection: Connection, event: Event) -> list[str]:
    """Return the endpoints that are told of it. Who removes one of them waits for our end."""
    own = (WEBHOOKS.c.tenant == event.tenant, WEBHOOKS.c.state == "enabled")
    query = select(*WEBHOOKS.c).where(*own).with_for_update(read=True, key_share=True)
    found = (webhook_of(row) for row in connection.execute(query))
    return [each.webhook_id for each in found if each.wants(event.type)]


def _deliveries(
    webhook_ids: list[str], number: int | None, subject: str, now: datetime
) -> list[dict[str, Any]]:
    row = {
        "number": number,
        "subject": subject,
        "state": "waiting",
        "attempts": 0,
        "due_ms": unix_ms(now),
    }
    return [row | {"webhook_id": each} for each in webhook_ids]


def _event_id() -> str:
    return f"evt-{token_hex(12)}"


def _row(event: Event, event_id: str, now: datetime) -> dict[str, Any]:
    """Return an event's row; its body has the fields of Standard Webhooks and of OpenAI's."""
    created = moment(unix_ms(now))
    body = {
        "id": event_id,
        "object": "event",
        "type": event.type,
        "created_at": int(created.timestamp()),
        "timestamp": created,
        "data": event.data,
    }
    return {
        "event_id": event_id,
        "tenant": event.tenant,
        "subject": event.subject,
        "type": event.type,
        "body": msgspec.json.encode(body),
        "created_ms": unix_ms(now),
    }
