"""/v1/webhooks: endpoints of the tenant who asks, a test event, and what became of deliveries.

The fields that OpenAI's API has for endpoints have its names. Times are Unix time in seconds.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from seedcast.errors import InvalidInput
from seedcast.producers.gateway import answers, queries
from seedcast.producers.gateway.bodies import json_of
from seedcast.producers.gateway.problems import Problem, not_found, wrong
from seedcast.producers.gateway.webhooks.addresses import check_url
from seedcast.settings import WebhookSettings
from seedcast.storage.accounts.accounts import Accounts
from seedcast.storage.accounts.deliveries import Delivery, DeliveryState
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.accounts.webhook_secrets import Sealer, hint, new_secret
from seedcast.storage.accounts.webhooks import (
    MAX_NAME,
    MOST,
    BatchEvent,
    CampaignEvent,
    TooManyWebhooks,
    Webhook,
    WebhookState,
    known_form,
)

EventTypes = Annotated[
    tuple[CampaignEvent | BatchEvent | Literal["*"], ...],
    Meta(description="what it is called for; none, or *: everything"),
]
Name = Annotated[str, Meta(max_length=MAX_NAME)]


class WebhookBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    event_types: EventTypes = ()
    name: Name = ""


class WebhookPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is given is changed."""

    url: str | None = None
    event_types: EventTypes | None = None
    name: Name | None = None
    state: WebhookState | None = None


class WebhookView(Struct, frozen=True, kw_only=True):
    id: str
    url: str
    name: str
    event_types: tuple[str, ...]
    state: WebhookState
    reason: str | None  # why it is disabled
    failing_since: int | None  # null: what was delivered last was taken
    succeeded_at: int | None
    created_at: int
    signing_secret_hint: str
    old_secret_until: Annotated[
        int | None, Meta(description="until when the secret before this one signs, too")
    ]
    object: Literal["webhook_endpoint"] = "webhook_endpoint"


class WebhookMade(WebhookView, frozen=True, kw_only=True):
    signing_secret: Annotated[str, Meta(description="it is shown this once")]


class WebhookList(Struct, frozen=True, kw_only=True):
    data: tuple[WebhookView, ...]
    has_more: bool = False
    object: Literal["list"] = "list"


class WebhookDeleted(Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    deleted: bool = True


class DeliveryView(Struct, frozen=True, kw_only=True):
    id: str  # of the event: `webhook-id` of each attempt
    type: str
    subject: str
    state: DeliveryState
    attempts: int
    status: int | None  # of the last answer; null: there was none
    problem: str | None  # of the last attempt
    created_at: int
    tried_at: int | None
    next_attempt_at: int | None
    ended_at: int | None


class DeliveryList(Struct, frozen=True, kw_only=True):
    data: tuple[DeliveryView, ...]
    has_more: bool
    after: Annotated[str | None, Meta(description="what `after` of the next page is")] = None
    object: Literal["list"] = "list"


class Endpoints:
    def __init__(
        self,
        settings: WebhookSettings,
        accounts: Accounts,
        sealer: Sealer,
        on_event: Callable[[], object],
    ) -> None:
        self._settings, self._sealer, self._on_event = settings, sealer, on_event
        self._webhooks, self._outbox = accounts.webhooks, accounts.outbox
        self._deliveries = accounts.deliveries

    async def add(self, http: Request, key: ApiKey) -> Response:
        """Answer with the endpoint and its secret. Raises Problem: 400, 409."""
        body, secret = await json_of(http, WebhookBody), new_secret()
        url = self._checked(body.url)
        add = partial(self._webhooks.add, key.tenant, body.name, url, body.event_types)
        try:
            made = await asyncio.to_thread(
                add, self._sealer.seal(secret), hint(secret), datetime.now(UTC)
            )
        except TooManyWebhooks:
            message = f"the tenant has {MOST} webhooks; delete one"
            raise Problem(409, "too_many_webhooks", message) from None
        return _made(made, secret)

    async def rotate(self, http: Request, key: ApiKey) -> Response:
        """Replace its secret, and answer with the new one; the old one signs for a day, too."""
        found, secret = await self._found(http, key), new_secret()
        sealed, now = self._sealer.seal(secret), datetime.now(UTC)
        rotate = partial(self._webhooks.rotate, found.webhook_id, sealed, hint(secret), now)
        if (changed := await asyncio.to_thread(rotate)) is None:
            raise not_found("the webhook")
        return _made(changed, secret)

    async def list(self, http: Request, key: ApiKey) -> Response:
        found = await asyncio.to_thread(self._webhooks.all, key.tenant)
        return answers.json(WebhookList(data=tuple(map(view, found))))

    async def show(self, http: Request, key: ApiKey) -> Response:
        return answers.json(view(await self._found(http, key)))

    async def change(self, http: Request, key: ApiKey) -> Response:
        """Change what is given; one that is enabled is called at once for what waits."""
        body, found = await json_of(http, WebhookPatch), await self._found(http, key)
        change = partial(
            self._webhooks.change,
            found.webhook_id,
            datetime.now(UTC),
            name=body.name,
            url=None if body.url is None else self._checked(body.url),
            event_types=body.event_types,
            state=body.state,
        )
        if (changed := await asyncio.to_thread(change)) is None:
            raise not_found("the webhook")
        self._on_event()
        return answers.json(view(changed))

    async def delete(self, http: Request, key: ApiKey) -> Response:
        found = await self._found(http, key)
        if not await asyncio.to_thread(self._webhooks.remove, found.webhook_id):
            raise not_found("the webhook")
        return answers.json(WebhookDeleted(id=found.webhook_id))

    async def test(self, http: Request, key: ApiKey) -> Response:
        """Send a test event; answer with 202 and where its delivery is seen."""
        webhook_id = (await self._found(http, key)).webhook_id
        event_id = await asyncio.to_thread(self._outbox.put_test, webhook_id, datetime.now(UTC))
        if event_id is None:
            message = 'it is disabled: PATCH it with {"state": "enabled"} first'
            raise Problem(409, "wrong_state", message)
        self._on_event()
        where = f"/v1/webhooks/{webhook_id}/deliveries/{event_id}"
        return answers.json(await self._delivery(webhook_id, event_id), 202, {"location": where})

    async def deliveries(self, http: Request, key: ApiKey) -> Response:
        """Answer with a page, the newest first."""
        webhook_id = (await self._found(http, key)).webhook_id
        after, limit = http.query_params.get("after"), queries.limit(http)
        if after is not None and not await self._knows(webhook_id, after):
            raise wrong("after", "the id of a delivery")
        page = partial(self._deliveries.page, webhook_id, limit=limit, after=after)
        found, has_more = await asyncio.to_thread(page)
        body = DeliveryList(
            data=tuple(map(delivery_view, found)),
            has_more=has_more,
            after=found[-1].event_id if has_more else None,
        )
        return answers.json(body)

    async def delivery(self, http: Request, key: ApiKey) -> Response:
        webhook_id = (await self._found(http, key)).webhook_id
        return answers.json(await self._delivery(webhook_id, http.path_params["event_id"]))

    async def resend(self, http: Request, key: ApiKey) -> Response:
        """Deliver an event again that was taken or given up. Raises Problem: 404, 409."""
        webhook_id = (await self._found(http, key)).webhook_id
        event_id = http.path_params["event_id"]
        await self._delivery(webhook_id, event_id)
        resend = partial(self._deliveries.resend, webhook_id, event_id, datetime.now(UTC))
        if not await asyncio.to_thread(resend):
            message = "it still waits to be delivered, or its webhook is disabled"
            raise Problem(409, "wrong_state", message)
        self._on_event()
        return answers.json(await self._delivery(webhook_id, event_id), 202)

    async def _delivery(self, webhook_id: str, event_id: str) -> DeliveryView:
        found = await asyncio.to_thread(self._deliveries.find, webhook_id, event_id)
        if found is None:
            raise not_found("the delivery")
        return delivery_view(found)

    async def _knows(self, webhook_id: str, event_id: str) -> bool:
        if not event_id.isprintable():
            return False
        return await asyncio.to_thread(self._deliveries.find, webhook_id, event_id) is not None

    async def _found(self, http: Request, key: ApiKey) -> Webhook:
        """Return the tenant's own. Raises Problem 404."""
        webhook_id = http.path_params["webhook_id"]
        if known_form(webhook_id):
            found = await asyncio.to_thread(self._webhooks.find, webhook_id, key.tenant)
            if found is not None:
                return found
        raise not_found("the webhook")

    def _checked(self, url: str) -> str:
        """Raises Problem 400."""
        try:
            return check_url(url, self._settings)
        except InvalidInput as error:
            raise wrong("url", f"{error.expected}, got {error.got}") from None


def _made(made: Webhook, secret: str) -> Response:
    return answers.json(
        WebhookMade(**asdict(view(made)), signing_secret=secret),
        headers={"cache-control": "no-store"},
    )


def view(found: Webhook) -> WebhookView:
    return WebhookView(
        id=found.webhook_id,
        url=found.url,
        name=found.name,
        event_types=found.event_types,
        state=found.state,
        reason=found.reason,
        failing_since=_seconds(found.failing_since),
        succeeded_at=_seconds(found.succeeded_at),
        created_at=int(found.created_at.timestamp()),
        signing_secret_hint=found.secret_hint,
        old_secret_until=_seconds(found.old_secret_until),
    )


def delivery_view(found: Delivery) -> DeliveryView:
    return DeliveryView(
        id=found.event_id,
        type=found.type,
        subject=found.subject,
        state=found.state,
        attempts=found.attempts,
        status=found.status,
        problem=found.problem,
        created_at=int(found.created_at.timestamp()),
        tried_at=_seconds(found.tried_at),
        next_attempt_at=_seconds(found.due_at),
        ended_at=_seconds(found.ended_at),
    )


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
