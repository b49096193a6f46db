"""`keys add`, `list` and `revoke`: secrets are shown once, and never again."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from seedcast.cli import keys as commands
from seedcast.embedded.stack_state import State, write
from seedcast.errors import InvalidInput, InvalidSettings, SeedcastError
from seedcast.settings import AccountsSettings
from seedcast.storage.accounts.accounts import open_accounts
from tests.builders.accounts_commands import invoke, invoked, own_database

CRM = "add crm --tenant acme --scope read --scope speak"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AccountsSettings:
    return own_database(commands, tmp_path, monkeypatch)


def run(command: str) -> Result:
    return invoke(f"keys {command}")


def row(command: str) -> dict[str, Any]:
    return invoked(f"keys {command}")


def test_the_secret_is_alone_on_stdout_and_is_that_of_the_key(database: AccountsSettings) -> None:
    done = run(CRM)
    (secret,) = done.stdout.splitlines()
    assert "not shown again" in done.stderr
    assert secret not in done.stderr
    with open_accounts(database) as accounts:
        found = accounts.find(secret)
    assert found
    assert found.key_id in done.stderr
    assert (found.name, found.tenant, found.scopes) == ("crm", "acme", ("speak", "read"))
    for command in ("list", "list --json", f"revoke {found.key_id} --json"):
        assert secret not in run(command).output


def test_options_say_how_much_and_how_long(database: AccountsSettings) -> None:
    limits = "--rate 30/min --concurrency 4 --characters-per-minute 9000 --queued-characters 50000"
    made = row(f"{CRM} {limits} --stored-bytes 7000 --expires 90d")
    assert made["limits"] == {
        "requests_per_second": 0.5,
        "concurrency": 4,
        "characters_per_minute": 9000,
        "queued_characters": 50000,
        "stored_bytes": 7000,
    }
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < ends < timedelta(days=90)
    with open_accounts(database) as accounts:
        key = accounts.find(made["secret"])
    assert key
    assert key.key_id == made["key_id"]
    shown = run("list").stdout
    assert "30/min, 9,000 characters/min, 4 at a time, 50,000 characters queued, 7,000" in shown
    assert all(word in shown for word in (key.key_id, "crm", "acme", "speak read", "valid"))


def test_a_revoked_key_is_listed_as_such() -> None:
    made, kept = row(CRM), row(CRM)
    assert row(f"revoke {made['key_id']}")["state"] == "revoked"
    assert "is revoked since" in run(f"revoke {made['key_id']}").stdout
    listed = [json.loads(line) for line in run("list --json").stdout.splitlines()]
    assert all("secret" not in each for each in listed)
    states = {each["key_id"]: each["state"] for each in listed}
    assert states == {made["key_id"]: "revoked", kept["key_id"]: "valid"}


def test_no_keys_is_a_note_and_no_row() -> None:
    assert run("list").stdout == run("list --json").stdout == ""
    assert "seedcast keys add" in run("list").stderr


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("add crm --tenant a/b --scope read", "tenant"),
        ("add crm --tenant acme --scope all", "expected one or more of speak"),
        (f"{CRM} --expires 2001-01-01T00:00Z", "end of the key"),
        (f"{CRM} --expires soon", "expires; expected an ISO 8601 time"),
        (f"{CRM} --rate many", "rate; expected requests per s"),
        ("revoke key-0", "`seedcast keys list` shows them"),
    ],
)
def test_what_is_wrong_is_refused_with_exit_code_2(command: str, message: str) -> None:
    error = run(command).exception
    assert isinstance(error, InvalidInput), repr(error)
    assert error.exit_code == 2
    assert message in str(error)
    assert run("list --json").stdout == ""


@pytest.mark.parametrize(
    "command",
    [
        "add crm --scope read",
        "add crm --tenant acme",
        "revoke",
        f"{CRM} --concurrency 0",
        f"{CRM} --characters-per-minute -1",
    ],
)
def test_what_is_missing_or_no_number_is_wrong_usage(command: str) -> None:
    assert run(command).exit_code == 2


def test_without_a_database_of_ones_own_keys_are_those_of_the_embedded_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SEEDCAST_ACCOUNTS_URL")
    error = run("list").exception
    assert isinstance(error, SeedcastError)
    assert "seedcast up" in str(error)
    write(tmp_path, State(broker_port=1, s3_port=1))
    monkeypatch.setenv("SEEDCAST_HOME", str(tmp_path))
    made = row(CRM)
    embedded = AccountsSettings(url=f"sqlite:///{tmp_path}/accounts.sqlite")
    with open_accounts(embedded) as accounts:
        (key,) = accounts.keys()
    assert key.key_id == made["key_id"]
    monkeypatch.setenv("SEEDCAST_KAFKA_BOOTSTRAP", "b:1")
    monkeypatch.setenv("SEEDCAST_S3_ENDPOINT", "http://s:1")
    with pytest.raises(InvalidSettings, match="set SEEDCAST_ACCOUNTS_URL"):
        raise run("list").exception or AssertionError
