"""`doctor`: checks the machine and the settings, and says what to do."""

import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from seedcast.cli.base import Exit, Json, app, emit, load, out, quiet_logs
from seedcast.errors import SeedcastError

if TYPE_CHECKING:
    from seedcast.settings import Settings

GIB = 1024**3
OLDEST, NEWEST = (3, 11), (3, 13)  # Python's versions, as requires-python has them


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    check: str
    ok: bool
    found: str
    remedy: str = ""


@app.command(rich_help_panel="Operations")
def doctor(as_json: Json = False) -> None:
    """Check the machine, the settings and the servers they name.

    Exit code 1 if something needs mending.
    """
    quiet_logs()
    settings = load()
    findings = list(examine(settings))
    if as_json:
        for finding in findings:
            emit(vars(finding))
    else:
        _print(findings, settings)
    raise typer.Exit(Exit.OK if all(finding.ok for finding in findings) else Exit.INCOMPLETE)


def examine(settings: "Settings") -> Iterator[Finding]:
    """Yield one finding per check."""
    yield _python()
    yield _free_space(settings.home)
    yield _localhost()
    yield _chattts()
    for name, check in (
        ("profiles", _profiles),
        ("voices", _voices),
        ("engine", _engine),
        ("kafka", _kafka),
        ("topics", _topics),
        ("s3", _s3),
    ):
        yield _try(name, check, settings)


def _try(name: str, check: Callable[["Settings"], str], settings: "Settings") -> Finding:
    """Run a check. An error of Seedcast is the finding, with its remedy."""
    try:
        return Finding(name, True, check(settings))
    except SeedcastError as error:
        return Finding(name, False, error.got or error.what, error.remedy)


def _python() -> Finding:
    oldest, newest = (".".join(map(str, version)) for version in (OLDEST, NEWEST))
    return Finding(
        "python",
        OLDEST <= sys.version_info[:2] <= NEWEST,
        platform.python_version(),
        f"use a Python from {oldest} to {newest}, which this is tested on",
    )


def _free_space(home: Path) -> Finding:
    folders = (home.absolute(), *home.absolute().parents)
    existing = next(folder for folder in folders if folder.exists())
    free = shutil.disk_usage(existing).free / GIB
    return Finding(
        "disk",
        free > 2,
        f"{free:.0f} GiB free under {existing}",
        "free some space, or set SEEDCAST_HOME to another disk",
    )


def _localhost() -> Finding:
    address = socket.gethostbyname("localhost")
    return Finding("localhost", address.startswith("127."), address, "map localhost to 127.0.0.1")


def _chattts() -> Finding:
    missing = "not installed; only espeak can speak (`make setup-all` installs it)"
    return Finding("chattts", True, "installed" if find_spec("ChatTTS") else missing)


def _profiles(settings: "Settings") -> str:
    from seedcast.catalog import profiles

    return ", ".join(profiles.load(settings.postprocess))


def _voices(settings: "Settings") -> str:
    from seedcast.catalog import voices

    return ", ".join(voices.load(settings)) or "none named (SEEDCAST_VOICES)"


def _engine(settings: "Settings") -> str:
    from seedcast.gpu_consumers import engines

    return engines.load(settings).fingerprint


def _kafka(settings: "Settings") -> str:
    from seedcast import embedded
    from seedcast.kafka import Admin

    settings = embedded.connected(settings)
    return f"cluster {Admin(settings).cluster_id()} at {settings.kafka.bootstrap}"


def _topics(settings: "Settings") -> str:
    from seedcast import embedded
    from seedcast.errors import TopicMismatch
    from seedcast.kafka import Admin

    if problems := list(Admin(embedded.connected(settings)).problems()):
        raise TopicMismatch(
            "topics",
            got="; ".join(problems),
            remedy="run `seedcast topics create`; it makes what is missing",
        )
    return "agree with the table"


def _s3(settings: "Settings") -> str:
    from seedcast import embedded
    from seedcast.storage.s3 import S3Store

    settings = embedded.connected(settings)
    S3Store(settings.s3).ensure_bucket()
    return f"bucket {settings.s3.bucket} at {settings.s3.endpoint}"


def _print(findings: list[Finding], settings: "Settings") -> None:
    from seedcast.settings import table as settings_table

    for finding in findings:
        verdict = ("ok  ", "green") if finding.ok else ("mend", "red")
        out.print(Text.assemble(verdict, f" {finding.check:<10} {finding.found}"))
        if not finding.ok and finding.remedy:
            out.print(Text(f"                {finding.remedy}", "yellow"))
    table = Table(title="settings (secrets masked)", title_justify="left", box=None, pad_edge=False)
    for column in ("variable", "value", "meaning"):
        table.add_column(column)
    for variable, path, _, meaning in settings_table():
        table.add_row(variable, Text(_value(settings, path)), Text(meaning))
    out.print(table)


def _value(settings: "Settings", path: str) -> str:
    """Return the setting at a dotted path. Of a table, only the names.

    An option of librdkafka may be a secret under any name.
    """
    value: object = settings
    for name in path.split("."):
        value = getattr(value, name)
    return ", ".join(value) if isinstance(value, dict) else str(value)
