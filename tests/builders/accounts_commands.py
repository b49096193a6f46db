"""Commands on the database of keys and webhooks, run in this process."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from seedcast.cli import app
from seedcast.settings import AccountsSettings


def own_database(
    commands: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AccountsSettings:
    """Give `commands` a database: no servers are named, and no stack is there."""
    monkeypatch.setattr(commands, "quiet_logs", lambda: None)
    settings = AccountsSettings(url=f"sqlite:///{tmp_path}/accounts.sqlite")
    monkeypatch.setenv("SEEDCAST_ACCOUNTS_URL", settings.url)
    monkeypatch.setenv("SEEDCAST_HOME", str(tmp_path / "home"))
    return settings


def invoke(command: str) -> Result:
    return CliRunner().invoke(app, command.split())


def invoked(command: str) -> dict[str, Any]:
    """Return what the command prints as JSON."""
    done = invoke(f"{command} --json")
    assert done.exit_code == 0, done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    return found
