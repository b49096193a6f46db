"""`keys`: who may use the HTTP gateway, for which tenant, and how much."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedcast.cli.accounts_database import accounts_database
from seedcast.cli.base import Json, app, emit, err, out, quiet_logs
from seedcast.cli.tables import show
from seedcast.cli.verbosity import App

if TYPE_CHECKING:
    from seedcast.storage.accounts.keys import ApiKey, KeyLimits

keys_app = App(no_args_is_help=True, help="Keys of the HTTP gateway: add, list and revoke them.")
app.add_typer(keys_app, name="keys", rich_help_panel="Operations")

COLUMNS = ("key", "name", "tenant", "scopes", "state", "made", "ends", "limits")
STACKED_FIRST = ("limits", "made", "ends")
_DEFAULT = "The gateway's default if not given."


@keys_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What the key is for, such as the system's name.")],
    tenant: Annotated[
        str, typer.Option(help="Whose campaigns and requests it makes and sees: those of no other.")
    ],
    scope: Annotated[
        list[str],
        typer.Option(help="What it may do: speak, submit, read, listen or operate. Repeat it."),
    ],
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends: '90d' or '12h' from now, or ISO 8601 with zone."),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(help=f"At most so many HTTP requests: 20/s, 600/min. {_DEFAULT}"),
    ] = None,
    characters_per_minute: Annotated[
        int | None,
        typer.Option(min=1, help=f"At most so many in its speeches; lists are free. {_DEFAULT}"),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help=f"At most so many requests at a time. {_DEFAULT}")
    ] = None,
    queued_characters: Annotated[
        int | None,
        typer.Option(min=1, help=f"At most so many in campaigns that wait. {_DEFAULT}"),
    ] = None,
    stored_bytes: Annotated[
        int | None, typer.Option(min=1, help=f"At most so many in its files. {_DEFAULT}")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key, and print its secret, which is stored nowhere and never shown again."""
    from seedcast.producers.feeder.policy.rate_limit import parse_rate
    from seedcast.storage.accounts import keys
    from seedcast.storage.accounts.keys import KeyLimits

    quiet_logs()
    now = datetime.now(UTC)
    expires_at = _end(expires, now)
    limits = KeyLimits(
        requests_per_second=None if rate is None else parse_rate(rate),
        characters_per_minute=characters_per_minute,
        concurrency=concurrency,
        queued_characters=queued_characters,
        stored_bytes=stored_bytes,
    )
    keys.check(name, tenant, scope, limits, expires_at, now)  # before a server is asked
    with accounts_database() as accounts:
        key, secret = accounts.add_key(name, tenant, scope, limits, expires_at)  # type: ignore[arg-type]
    if as_json:
        emit({**_facts(key), "secret": secret})
        return
    typer.echo(secret)
    err.print(f"{key.key_id}: {', '.join(key.scopes)} for tenant {key.tenant}", markup=False)
    err.print("keep the secret: it is not shown again")


@keys_app.command("list")
def list_keys(as_json: Json = False) -> None:
    """List all keys, also those that have ended or are revoked; never their secrets."""
    quiet_logs()
    with accounts_database() as accounts:
        keys = accounts.keys()
    if as_json:
        for key in keys:
            emit(_facts(key))
    elif not keys:
        err.print("no keys; `seedcast keys add` makes one")
    else:
        show(COLUMNS, map(_cells, keys), stacked_first=STACKED_FIRST)


@keys_app.command("revoke")
def revoke(
    key_id: Annotated[
        str, typer.Argument(metavar="KEY_ID", help="Its id, as `seedcast keys list` shows it.")
    ],
    as_json: Json = False,
) -> None:
    """Revoke a key for good. Gateways that know it already refuse it within a minute."""
    quiet_logs()
    with accounts_database() as accounts:
        key = accounts.revoke(key_id)
    if as_json:
        emit(_facts(key))
        return
    out.print(f"{key.key_id} ({key.name}) is revoked since {_time(key.revoked_at)}", markup=False)


def _end(expires: str | None, now: datetime) -> datetime | None:
    """Raises InvalidInput."""
    from seedcast.producers.rows import values

    if expires is None:
        return None
    try:
        return values.deadline(expires, now)
    except values.InvalidValue as error:
        raise error.of_input("expires") from None


def _facts(key: "ApiKey") -> dict[str, Any]:
    import msgspec

    return {
        **msgspec.to_builtins(key),
        "limits": msgspec.structs.asdict(key.limits),
        "state": key.state(datetime.now(UTC)),
    }


def _cells(key: "ApiKey") -> tuple[str, ...]:
    """Return one cell per column of COLUMNS."""
    return (
        key.key_id,
        key.name,
        key.tenant,
        " ".join(key.scopes),
        key.state(datetime.now(UTC)),
        _time(key.created_at),
        _time(key.expires_at),
        ", ".join(_limits(key.limits)),
    )


def _limits(limits: "KeyLimits") -> list[str]:
    from seedcast.producers.feeder.policy.rate_limit import format_rate

    said = [] if limits.requests_per_second is None else [format_rate(limits.requests_per_second)]
    named = {
        "characters/min": limits.characters_per_minute,
        "at a time": limits.concurrency,
        "characters queued": limits.queued_characters,
        "bytes stored": limits.stored_bytes,
    }
    return said + [f"{value:,} {what}" for what, value in named.items() if value is not None]


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else moment.isoformat(sep=" ", timespec="minutes")[:16] + "Z"
