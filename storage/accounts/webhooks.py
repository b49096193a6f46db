"""Endpoints of webhooks: which addresses a tenant wants to be called at, and of what events."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Literal, cast, get_args

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from seedcast.errors import InvalidInput
from seedcast.storage.accounts.turns import take_turn
from seedcast.storage.accounts.webhook_tables import WEBHOOK_DELIVERIES, WEBHOOKS
from seedcast.storage.index.database import Database
from seedcast.storage.index.values import moment, unix_ms

CampaignEvent = Literal[
    "campaign.started", "campaign.late", "campaign.completed", "campaign.cancelled"
]
BatchEvent = Literal["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"]
EventType = CampaignEvent | BatchEvent
EVENT_TYPES: tuple[EventType, ...] = (*get_args(CampaignEvent), *get_args(BatchEvent))
TEST = "webhook.test"  # comes on demand, whatever an endpoint has chosen
ALL = "*"

MOST = 20  # endpoints of a tenant
MAX_NAME = 100  # characters
OVERLAP = timedelta(hours=24)  # in which a secret that was replaced still signs

WebhookState = Literal["enabled", "disabled"]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint without its secret."""

    webhook_id: str
    tenant: str
    name: str
    url: str
    event_types: tuple[str, ...]  # ("*",): all, also those of later versions
    secret_hint: str
    state: WebhookState
    reason: str | None  # why it is disabled
    failing_since: datetime | None
    succeeded_at: datetime | None
    created_at: datetime
    old_secret_until: datetime | None  # until when the one before signs, too; None: there is none

    def wants(self, event_type: str) -> bool:
        return ALL in self.event_types or event_type in self.event_types


class TooManyWebhooks(Exception):
    """The tenant has MOST of them."""


class Webhooks:
    """Each method is a short transaction, and raises AccountsUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        tenant: str,
        name: str,
        url: str,
        event_types: Collection[str],
        secret: bytes,
        secret_hint: str,
        now: datetime,
    ) -> Webhook:
        """Make an endpoint. `secret` is encrypted. Raises InvalidInput, TooManyWebhooks."""
        check_name(name)
        statement = insert(WEBHOOKS).values(
            webhook_id=f"webhook-{token_hex(12)}",
            tenant=tenant,
            name=name,
            url=url,
            event_types=" ".join(chosen(event_types)),
            secret=secret,
            secret_hint=secret_hint,
            state="enabled",
            created_ms=unix_ms(now),
        )
        owned = select(func.count()).where(WEBHOOKS.c.tenant == tenant)
        with self._database.transaction("adding a webhook") as connection:
            take_turn(connection, "webhooks", tenant)
            if (connection.scalar(owned) or 0) >= MOST:
                raise TooManyWebhooks
            return webhook_of(connection.execute(statement.returning(*WEBHOOKS.c)).one())

    def all(self, tenant: str | None = None) -> list[Webhook]:
        """Return those of a tenant, or of all, the oldest first."""
        query = select(*WEBHOOKS.c).order_by(WEBHOOKS.c.created_ms, WEBHOOKS.c.webhook_id)
        if tenant is not None:
            query = query.where(WEBHOOKS.c.tenant == tenant)
        with self._database.transaction("listing webhooks") as connection:
            return [webhook_of(row) for row in connection.execute(query)]

    def find(self, webhook_id: str, tenant: str | None = None) -> Webhook | None:
        """Return one of the tenant's, or of any."""
        with self._database.transaction("looking up a webhook") as connection:
            return _find(connection, webhook_id, tenant)

    def change(
        self,
        webhook_id: str,
        now: datetime,
        *,
        name: str | None = None,
        url: str | None = None,
        event_types: Collection[str] | None = None,
        state: WebhookState | None = None,
    ) -> Webhook | None:
        """Change what is given; None if it is not there. Raises InvalidInput.

        One that is enabled again is called at once for what waits.
        """
        values: dict[str, Any] = {}
        if name is not None:
            values["name"] = check_name(name)
        if url is not None:
            values["url"] = url
        if event_types is not None:
            values["event_types"] = " ".join(chosen(event_types))
        if state == "enabled":
            values |= {"state": state, "reason": None, "failing_ms": None}
        elif state == "disabled":
            values |= {"state": state, "reason": "it was disabled on request"}
        with self._database.transaction("changing a webhook") as connection:
            if values:
                is_this = WEBHOOKS.c.webhook_id == webhook_id
                connection.execute(update(WEBHOOKS).where(is_this).values(values))
            if state == "enabled":
                connection.execute(_hasten(webhook_id, now))
            return _find(connection, webhook_id, None)

    def rotate(
        self, webhook_id: str, secret: bytes, secret_hint: str, now: datetime
    ) -> Webhook | None:
        """Replace its secret, which is encrypted; None if it is not there.

        The one that it has now signs for OVERLAP, too. One that is older does not.
        """
        values = {
            "old_secret": WEBHOOKS.c.secret,
            "old_until_ms": unix_ms(now + OVERLAP),
            "secret": secret,
            "secret_hint": secret_hint,
        }
        changing = update(WEBHOOKS).where(WEBHOOKS.c.webhook_id == webhook_id).values(values)
        with self._database.transaction("replacing the secret of a webhook") as connection:
            row = connection.execute(changing.returning(*WEBHOOKS.c)).one_or_none()
        return webhook_of(row) if row else None

    def remove(self, webhook_id: str) -> bool:
        """Delete one, and its deliveries, for good; False if it is not there."""
        is_this = WEBHOOKS.c.webhook_id == webhook_id
        sent = WEBHOOK_DELIVERIES.c.webhook_id == webhook_id
        with self._database.transaction("removing a webhook") as connection:
            # Who is about to write a delivery of it, or has one, waits for our end.
            held = connection.execute(
                select(WEBHOOKS.c.webhook_id).where(is_this).with_for_update()
            )
            if held.one_or_none() is None:
                return False
            connection.execute(delete(WEBHOOK_DELIVERIES).where(sent))
            connection.execute(delete(WEBHOOKS).where(is_this))
            return True


def check_name(name: str) -> str:
    """Return a name that an endpoint can have. Raises InvalidInput."""
    if not (len(name) <= MAX_NAME and name.isprintable()):
        expected = f"at most {MAX_NAME} visible characters"
        raise InvalidInput("name of the webhook", expected=expected, got=repr(name[:200]))
    return name


def chosen(event_types: Collection[str]) -> tuple[str, ...]:
    """Return types of events in our order; none stands for all. Raises InvalidInput."""
    if not event_types or ALL in event_types:
        return (ALL,)
    if unknown := sorted(set(event_types) - set(EVENT_TYPES)):
        raise InvalidInput(
            "type of an event",
            expected=f"one or more of {', '.join(EVENT_TYPES)}, or {ALL}",
            got=", ".join(repr(each[:100]) for each in unknown[:5]),
        )
    return tuple(each for each in EVENT_TYPES if each in event_types)


def known_form(webhook_id: str) -> bool:
    """Return False for what no endpoint is called: PostgreSQL takes no U+0000."""
    return re.fullmatch(r"webhook-[0-9a-f]{24}", webhook_id) is not None


def _find(connection: Connection, webhook_id: str, tenant: str | None) -> Webhook | None:
    query = select(*WEBHOOKS.c).where(WEBHOOKS.c.webhook_id == webhook_id)
    if tenant is not None:
        query = query.where(WEBHOOKS.c.tenant == tenant)
    row = connection.execute(query).one_or_none()
    return webhook_of(row) if row else None


def _hasten(webhook_id: str, now: datetime) -> Any:
    sent = WEBHOOK_DELIVERIES.c
    waits = (sent.webhook_id == webhook_id, sent.state == "waiting", sent.owner.is_(None))
    return update(WEBHOOK_DELIVERIES).where(*waits).values(due_ms=unix_ms(now))


def webhook_of(row: Any) -> Webhook:
    return Webhook(
        webhook_id=row.webhook_id,
        tenant=row.tenant,
        name=row.name,
        url=row.url,
        event_types=tuple(row.event_types.split()),
        secret_hint=row.secret_hint,
        state=cast(WebhookState, row.state),
        reason=row.reason,
        failing_since=None if row.failing_ms is None else moment(row.failing_ms),
        succeeded_at=None if row.succeeded_ms is None else moment(row.succeeded_ms),
        created_at=moment(row.created_ms),
        old_secret_until=None if row.old_until_ms is None else moment(row.old_until_ms),
    )
