"""`webhooks`: which systems are called when something happens to a campaign or a batch."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedcast.cli.accounts_database import accounts_database, accounts_settings
from seedcast.cli.base import Json, app, emit, err, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.tables import show
from seedcast.cli.verbosity import App
from seedcast.errors import InvalidInput

if TYPE_CHECKING:
    from seedcast.storage.accounts.accounts import Accounts
    from seedcast.storage.accounts.deliveries import Delivery
    from seedcast.storage.accounts.webhooks import Webhook

webhooks_app = App(
    no_args_is_help=True,
    help="Webhooks of the HTTP gateway: add, list and remove them, test them, see deliveries.",
)
app.add_typer(webhooks_app, name="webhooks", rich_help_panel="Operations")

COLUMNS = ("webhook", "name", "tenant", "state", "events", "url", "reason", "failing since")
DELIVERIES = ("event", "type", "of", "state", "attempts", "status", "made", "next", "problem")
WAIT = 45.0  # seconds for the first attempt of a test event
POLL = 0.2  # seconds

Id = Annotated[
    str, typer.Argument(metavar="WEBHOOK_ID", help="Its id, as `seedcast webhooks list` shows it.")
]


@webhooks_app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="The https address that is called.")],
    tenant: Annotated[str, typer.Option(help="Whose campaigns and batches it is told of.")],
    event: Annotated[
        list[str] | None,
        typer.Option(help="A type of event, such as campaign.completed. Repeat it. All if none."),
    ] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: Json = False,
) -> None:
    """Add a webhook, and print the secret that signs its calls, which is never shown again."""
    from seedcast.producers.gateway.webhooks.addresses import check_url
    from seedcast.storage.accounts import webhooks
    from seedcast.storage.accounts.keys import check_tenant
    from seedcast.storage.accounts.webhook_secrets import Sealer, hint, new_secret

    quiet_logs()
    settings = accounts_settings()
    check_tenant(tenant)
    check_url(url, settings.webhooks)
    sealed, secret = Sealer(settings.webhooks, settings.accounts), new_secret()
    with accounts_database(settings) as accounts:
        try:
            made = accounts.webhooks.add(
                tenant,
                name,
                url,
                event or (),
                sealed.seal(secret),
                hint(secret),
                datetime.now(UTC),
            )
        except webhooks.TooManyWebhooks:
            raise InvalidInput(
                f"webhooks of tenant {tenant}",
                expected=f"at most {webhooks.MOST}",
                got="one more",
                remedy="`seedcast webhooks remove` one",
            ) from None
    _show_secret(made, secret, as_json=as_json)


@webhooks_app.command("rotate")
def rotate(webhook_id: Id, as_json: Json = False) -> None:
    """Replace the secret of a webhook, and print the new one. The old one signs for a day, too."""
    from seedcast.storage.accounts.webhook_secrets import Sealer, hint, new_secret

    quiet_logs()
    settings = accounts_settings()
    sealed, secret = Sealer(settings.webhooks, settings.accounts), new_secret()
    with accounts_database(settings) as accounts:
        _found(accounts, webhook_id)
        now = datetime.now(UTC)
        made = accounts.webhooks.rotate(webhook_id, sealed.seal(secret), hint(secret), now)
    if made is not None:
        _show_secret(made, secret, as_json=as_json)


@webhooks_app.command("list")
def list_webhooks(
    tenant: Annotated[str | None, typer.Option(help="Only its own.")] = None,
    as_json: Json = False,
) -> None:
    """List all webhooks, and why those that are disabled are; never their secrets."""
    quiet_logs()
    with accounts_database() as accounts:
        found = accounts.webhooks.all(tenant)
    if as_json:
        for each in found:
            emit(_facts(each))
    elif not found:
        err.print("no webhooks; `seedcast webhooks add` makes one")
    else:
        show(COLUMNS, map(_cells, found), stacked_first=("reason", "url", "events"))


@webhooks_app.command("remove")
def remove(webhook_id: Id, as_json: Json = False) -> None:
    """Remove a webhook, and what is known of its deliveries, for good."""
    quiet_logs()
    with accounts_database() as accounts:
        found = _found(accounts, webhook_id)
        accounts.webhooks.remove(found.webhook_id)
    if as_json:
        emit(_facts(found))
        return
    out.print(f"{webhook_id} is removed", markup=False)


@webhooks_app.command("enable")
def enable(webhook_id: Id, as_json: Json = False) -> None:
    """Enable a webhook that was disabled; what still waits for it is delivered at once."""
    quiet_logs()
    with accounts_database() as accounts:
        _found(accounts, webhook_id)
        changed = accounts.webhooks.change(webhook_id, datetime.now(UTC), state="enabled")
    if as_json and changed is not None:
        emit(_facts(changed))
        return
    out.print(f"{webhook_id} is enabled", markup=False)


@webhooks_app.command("test")
def send_test(webhook_id: Id, as_json: Json = False) -> None:
    """Send an event `webhook.test`, by a gateway that runs, and say how its first call went.

    Exits with 1 if it was not delivered.
    """
    quiet_logs()
    with accounts_database() as accounts:
        _found(accounts, webhook_id)
        event_id = accounts.outbox.put_test(webhook_id, datetime.now(UTC))
        if event_id is None:
            raise InvalidInput(
                f"webhook {webhook_id}",
                expected="one that is enabled",
                got="one that is disabled",
                remedy=f"`seedcast webhooks enable {webhook_id}`",
            )
        found = _first_attempt(accounts, webhook_id, event_id)
    if as_json:
        emit(_facts(found))
    elif found.state == "delivered":
        out.print(f"{event_id} is delivered: it answered {found.status}", markup=False)
    else:
        why = found.problem or f"no gateway has called it within {WAIT:g} s: does one run?"
        err.print(f"{event_id} is not delivered: {why}", markup=False)
    raise typer.Exit(Exit.OK if found.state == "delivered" else Exit.INCOMPLETE)


@webhooks_app.command("resend")
def resend(
    webhook_id: Id,
    event_id: Annotated[
        str, typer.Argument(metavar="EVENT_ID", help="As `seedcast webhooks deliveries` shows it.")
    ],
    as_json: Json = False,
) -> None:
    """Deliver an event again that was taken or given up, by a gateway that runs."""
    quiet_logs()
    with accounts_database() as accounts:
        _found(accounts, webhook_id)
        if not accounts.deliveries.resend(webhook_id, event_id, datetime.now(UTC)):
            raise InvalidInput(
                f"event {event_id[:200]!r} of webhook {webhook_id}",
                expected="one that was taken or given up, of a webhook that is enabled",
                got="another, or none",
                remedy=f"`seedcast webhooks deliveries {webhook_id}` shows them",
            )
        found = accounts.deliveries.find(webhook_id, event_id)
    if as_json and found is not None:
        emit(_facts(found))
        return
    out.print(f"{event_id} is delivered again", markup=False)


@webhooks_app.command("deliveries")
def deliveries(
    webhook_id: Id,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """Show what was sent to a webhook and how that went, the newest first."""
    quiet_logs()
    with accounts_database() as accounts:
        _found(accounts, webhook_id)
        found, has_more = accounts.deliveries.page(webhook_id, limit=limit)
    if as_json:
        for each in found:
            emit(_facts(each))
        return
    if not found:
        err.print("no deliveries; `seedcast webhooks test` makes one")
        return
    show(DELIVERIES, map(_delivery_cells, found), stacked_first=("problem",))
    if has_more:
        err.print(f"there are more than {limit}: see --limit", markup=False)


def _show_secret(made: "Webhook", secret: str, *, as_json: bool) -> None:
    if as_json:
        emit({**_facts(made), "signing_secret": secret})
        return
    typer.echo(secret)
    err.print(f"{made.webhook_id}: {_types(made)} of tenant {made.tenant}", markup=False)
    err.print("keep the secret: it is not shown again")


def _found(accounts: "Accounts", webhook_id: str) -> "Webhook":
    """Raises InvalidInput."""
    from seedcast.storage.accounts.webhooks import known_form

    found = accounts.webhooks.find(webhook_id) if known_form(webhook_id) else None
    if found is None:
        raise InvalidInput(
            "no webhook has this id",
            expected="the id of a webhook",
            got=repr(webhook_id[:200]),
            remedy="`seedcast webhooks list` shows them",
        )
    return found


def _first_attempt(accounts: "Accounts", webhook_id: str, event_id: str) -> "Delivery":
    """Return the delivery once it was tried; as it is, if nobody tries it in time."""
    end = time.monotonic() + WAIT
    while True:
        found = accounts.deliveries.find(webhook_id, event_id)
        if found is None:
            raise InvalidInput("the webhook was removed meanwhile", got=webhook_id)
        if found.attempts or time.monotonic() > end:
            return found
        time.sleep(POLL)


def _facts(found: "Webhook | Delivery") -> dict[str, Any]:
    import msgspec

    facts: dict[str, Any] = msgspec.to_builtins(found)
    return facts


def _cells(found: "Webhook") -> tuple[str, ...]:
    """Return one cell per column of COLUMNS."""
    return (
        found.webhook_id,
        found.name,
        found.tenant,
        found.state,
        _types(found),
        found.url,
        found.reason or "",
        _time(found.failing_since),
    )


def _delivery_cells(found: "Delivery") -> tuple[str, ...]:
    """Return one cell per column of DELIVERIES."""
    return (
        found.event_id,
        found.type,
        found.subject,
        found.state,
        f"{found.attempts}",
        "" if found.status is None else f"{found.status}",
        _time(found.created_at),
        _time(found.due_at),
        found.problem or "",
    )


def _types(found: "Webhook") -> str:
    return "all events" if found.event_types == ("*",) else " ".join(found.event_types)


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(sep=" ", timespec="seconds")[:19] + "Z"
