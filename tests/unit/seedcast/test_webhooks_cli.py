"""`webhooks add`, `list`, `remove`, `enable`, `test` and `deliveries`."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from seedcast.cli import webhooks as commands
from seedcast.errors import InvalidInput, SeedcastError
from seedcast.settings import AccountsSettings
from seedcast.storage.accounts.accounts import open_accounts
from seedcast.storage.accounts.webhooks import MOST
from tests.builders.accounts_commands import invoke, invoked, own_database

URL = "https://crm.example.org/hook"
ADD = f"add {URL} --tenant acme"
UNKNOWN = "webhook-" + "0" * 24


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AccountsSettings:
    return own_database(commands, tmp_path, monkeypatch)


def run(command: str) -> Result:
    return invoke(f"webhooks {command}")


def row(command: str) -> dict[str, Any]:
    return invoked(f"webhooks {command}")


def refused(command: str) -> SeedcastError:
    raised = run(command).exception
    assert isinstance(raised, SeedcastError), raised
    return raised


def test_the_secret_is_alone_on_stdout_and_never_shown_again(database: AccountsSettings) -> None:
    done = run(f"{ADD} --event campaign.late --event batch.failed --name CRM")
    (secret,) = done.stdout.splitlines()
    assert secret.startswith("whsec_")
    assert secret not in done.stderr
    with open_accounts(database) as accounts:
        [found] = accounts.webhooks.all("acme")
    assert (found.url, found.name) == (URL, "CRM")
    assert found.event_types == ("campaign.late", "batch.failed")
    for command in ("list", "list --json", f"deliveries {found.webhook_id}"):
        assert secret not in run(command).output
    stored = Path(database.url.removeprefix("sqlite:///"))
    files = [stored, *stored.parent.glob(f"{stored.name}-*")]
    assert not any(secret.encode() in file.read_bytes() for file in files)


def test_they_are_listed_disabled_ones_with_the_reason(database: AccountsSettings) -> None:
    made = row(ADD)
    with open_accounts(database) as accounts:
        accounts.webhooks.change(made["webhook_id"], datetime.now(UTC), state="disabled")
    listed = run("list").stdout
    assert made["webhook_id"] in listed
    assert "it was disabled on request" in listed
    assert "all events" in listed
    assert "no webhooks" in run("list --tenant other").stderr
    assert isinstance(refused(f"test {made['webhook_id']}"), InvalidInput)
    assert row(f"enable {made['webhook_id']}")["state"] == "enabled"
    assert row("list")["reason"] is None


def test_one_that_is_removed_is_gone() -> None:
    made = row(ADD)
    assert row(f"remove {made['webhook_id']}")["url"] == URL
    assert "no webhooks" in run("list").stderr
    for command in ("remove", "enable", "test", "deliveries"):
        assert "`seedcast webhooks list` shows them" in str(refused(f"{command} {UNKNOWN}"))
        refused(f"{command} none")


def test_what_is_wrong_is_refused_before_anything_is_made() -> None:
    for command, said in (
        ("add http://crm.example.org --tenant acme", "SEEDCAST_WEBHOOKS_ALLOW_HTTP"),
        ("add https://10.0.0.1/ --tenant acme", "SEEDCAST_WEBHOOKS_ALLOW_NETWORKS"),
        (f"add {URL} --tenant ../x", "tenant"),
        (f"{ADD} --event campaign.ended", "campaign.completed"),
    ):
        assert said in str(refused(command))
    assert "no webhooks" in run("list").stderr
    for _ in range(MOST):
        row(ADD)
    assert f"at most {MOST}" in str(refused(ADD))


@pytest.mark.parametrize(("status", "code"), [(204, 0), (500, 1)])
def test_a_test_says_how_its_call_went(database: AccountsSettings, status: int, code: int) -> None:
    webhook_id, over = row(ADD)["webhook_id"], threading.Event()

    def deliver() -> None:
        """Stand in for a gateway."""
        with open_accounts(database) as accounts:
            while not over.is_set():
                now = datetime.now(UTC)
                if taken := accounts.deliveries.take("gateway", now, timedelta(minutes=1)):
                    if status == 204:
                        accounts.deliveries.delivered(taken, now, status)
                    else:
                        accounts.deliveries.failed(taken, now, status, "it answered 500", now)
                    return

    gateway = threading.Thread(target=deliver)
    gateway.start()
    done = run(f"test {webhook_id}")
    over.set()
    gateway.join()
    assert done.exit_code == code, done.exception
    assert str(status) in done.output
    assert "webhook.test" in run(f"deliveries {webhook_id}").stdout
    assert row(f"deliveries {webhook_id}")["attempts"] == 1


def test_a_test_that_no_gateway_sends_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "WAIT", 0.0)
    done = run(f"test {row(ADD)['webhook_id']}")
    assert done.exit_code == 1
    assert "does one run?" in done.stderr
