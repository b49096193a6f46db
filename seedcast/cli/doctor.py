"""`doctor`: checks the machine and the settings, and says what to do."""

import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from seedcast.cli.base import Json, app, emit, load, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.tables import show
from seedcast.errors import InvalidSettings, SeedcastError

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
def doctor(
    show_settings: Annotated[
        bool, typer.Option("--settings", help="Print every setting, too; secrets are masked.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the machine, the settings and the servers they name. Changes nothing.

    Exit code 1 if something needs mending; what to mend, and in which order, is printed last.
    """
    quiet_logs()
    settings = load()
    findings = list(examine(settings))
    for finding in findings:
        emit(vars(finding)) if as_json else _print(finding)
    if show_settings:
        _print_settings(settings, as_json)
    if not as_json:
        _print_remedies(findings)
    raise typer.Exit(Exit.OK if all(finding.ok for finding in findings) else Exit.INCOMPLETE)


def examine(settings: "Settings") -> Iterator[Finding]:
    """Yield one finding per check: first what others depend on."""
    yield _python()
    yield _free_space(settings.home)
    yield _localhost()
    yield _chattts()
    checks = {"profiles": _profiles, "voices": _voices, "lexicon": _lexicon, "engine": _engine}
    for name, check in checks.items():
        yield _try(name, check, settings)
    yield _try("digest key", _digest_key, settings)
    yield (kafka := _try("kafka", _kafka, settings))
    if kafka.ok:
        yield _try("topics", _topics, settings)
    yield _try("s3", _s3, settings)


def _try(name: str, check: Callable[["Settings"], str], settings: "Settings") -> Finding:
    """Run a check. An error of Seedcast is the finding, with its remedy."""
    try:
        return Finding(name, True, check(settings))
    except SeedcastError as error:
        parts = error.expected and f"expected {error.expected}", error.got and f"got {error.got}"
        found = "; ".join(filter(None, [error.what, *parts]))
        return Finding(name, False, found, error.remedy)


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


def _lexicon(settings: "Settings") -> str:
    from seedcast.catalog import lexicon

    words = lexicon.of_settings(settings)
    return f"{words.size:,} entries" if words else "none (SEEDCAST_LEXICON)"


def _engine(settings: "Settings") -> str:
    from seedcast.gpu_consumers import engines

    return engines.load(settings).fingerprint


def _digest_key(settings: "Settings") -> str:
    from seedcast.stream_apps.postprocess.digest_key import is_default, require_digest_key

    if not is_default(settings.postprocess):
        return "one of your own"
    if settings.kafka.bootstrap or settings.s3.endpoint:
        require_digest_key(settings)
    return "the default, which everybody knows; the embedded stack alone takes it"


def _kafka(settings: "Settings") -> str:
    from seedcast import embedded
    from seedcast.kafka import Admin

    settings = embedded.connected(settings, store=False)
    with _at(settings.kafka.bootstrap):
        return f"cluster {Admin(settings).cluster_id()} at {settings.kafka.bootstrap}"


def _topics(settings: "Settings") -> str:
    from seedcast import embedded
    from seedcast.errors import TopicMismatch
    from seedcast.kafka import Admin

    settings = embedded.connected(settings, store=False)
    with _at(settings.kafka.bootstrap):
        if problems := list(Admin(settings).problems()):
            raise TopicMismatch(
                "topics differ from the table",
                got="; ".join(problems),
                remedy="run `seedcast topics create`; it makes what is missing",
            )
    return f"those with the prefix {settings.kafka.prefix} agree with the table"


def _s3(settings: "Settings") -> str:
    from seedcast import embedded
    from seedcast.storage.s3 import S3Store

    s3 = embedded.connected(settings).s3
    with _at(s3.endpoint):
        if not S3Store(s3).has_bucket():
            raise InvalidSettings(
                f"there is no bucket {s3.bucket}",
                remedy="correct SEEDCAST_S3_BUCKET; or start a worker, which creates the bucket",
            )
    return f"bucket {s3.bucket} at {s3.endpoint}"


@contextmanager
def _at(address: str) -> Iterator[None]:
    """Let an error of the block begin with the address of the server that it is about."""
    try:
        yield
    except SeedcastError as error:
        error.what = f"{address}: {error.what}"
        raise


def _print(finding: Finding) -> None:
    verdict = ("ok  ", "green") if finding.ok else ("mend", "red")
    out.print(Text.assemble(verdict, f" {finding.check:<10} {finding.found}"))


def _print_remedies(findings: list[Finding]) -> None:
    """Print one line for each thing to mend, what to begin with first."""
    checks: dict[str, list[str]] = {}  # by remedy, because one may mend several
    for finding in findings:
        if not finding.ok:
            checks.setdefault(finding.remedy or finding.found, []).append(finding.check)
    out.print("\nto mend, in this order:" if checks else "\nnothing to mend")
    for number, (remedy, names) in enumerate(checks.items(), start=1):
        out.print(Text(f"  {number}. {', '.join(names)}: {remedy}", "yellow"))


def _print_settings(settings: "Settings", as_json: bool) -> None:
    from seedcast.settings import table as settings_table

    rows = [
        (variable, _value(settings, path), meaning)
        for variable, path, _, meaning in settings_table()
    ]
    if as_json:
        for variable, value, meaning in rows:
            emit({"variable": variable, "value": value, "meaning": meaning})
        return
    out.print(Text("settings (secrets masked)", "italic"))
    show(["variable", "value", "meaning"], ([*row] for row in rows))


def _value(settings: "Settings", path: str) -> str:
    """Return the setting at a dotted path. Of a table, only the names.

    An option of librdkafka may be a secret under any name.
    """
    value: object = settings
    for name in path.split("."):
        value = getattr(value, name)
    return ", ".join(value) if isinstance(value, dict) else str(value)
