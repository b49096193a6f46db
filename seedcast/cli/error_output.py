"""How the error with which a command ends is shown: to a person, as JSON, or in a JSON log."""

import json
import os
import sys
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import typer
from rich.text import Text

from seedcast.cli.console import err
from seedcast.cli.exit_codes import Exit
from seedcast.cli.verbosity import verbosity
from seedcast.errors import Fatal, Retryable, SeedcastError
from seedcast.printing import one_line, visible_json


def fail(error: SeedcastError, *, logged: bool = False) -> int:
    """Print what failed, what was expected and got, and the remedy; return the exit code.

    With --json that is one JSON object on stderr; `logged` makes it a line of the log.
    """
    code = _exit_code(error)
    if logged:
        parts = {"expected": error.expected, "got": error.got, "remedy": error.remedy}
        log_fatal(error, code, problem=error.what, **{k: v for k, v in parts.items() if v})
        return code
    if wants_json():
        parts = {"what": error.what, "expected": error.expected, "got": error.got}
        _emit_error(type(error).__name__, code, **parts, remedy=error.remedy)
        return code
    err.quiet = False  # -q silences notes, not errors
    err.print(Text.assemble(("error", "bold red"), f" {one_line(error.what)}"))
    for label, text in (("expected", error.expected), ("got", error.got), ("to do", error.remedy)):
        if text:
            err.print(Text.assemble((f"  {label:>8}", "dim"), f" {text}"))
    if verbosity.level > 0:
        _show_causes(error)
    return code


def fail_usage(error: typer.TyperException) -> int:
    """Print a wrong argument as JSON; return the exit code."""
    what = error.format_message()
    _emit_error("Usage", error.exit_code, what=what, remedy="see --help")
    return error.exit_code


def report_interrupt(what: str) -> None:
    """Say that Ctrl-C has ended the command, and how to go on; `what` goes on meanwhile."""
    remedy = "run it again to go on"
    if wants_json():
        _emit_error("Interrupted", Exit.INTERRUPTED, what="interrupted", got=what, remedy=remedy)
    else:
        show_error("; ".join(filter(None, ("interrupted", what, remedy))))


def show_error(line: str) -> None:
    """Print a line on stderr, with -q, too."""
    err.quiet = False
    err.print(line, markup=False)


def wants_json() -> bool:
    """Return True if the command line has --json. Errors are JSON then, also those of usage."""
    arguments = sys.argv[1:]
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return "--json" in arguments[:end]


def errors_as_json(arguments: Sequence[str]) -> bool:
    """Return True if the error with which this command ends belongs into a JSON log.

    So it does where the format is json; and for a worker also where its log goes to no terminal.
    """
    wanted = _log_format()
    is_worker = list(arguments[:1]) == ["run"]
    return wanted == "json" or (wanted == "auto" and is_worker and not sys.stderr.isatty())


def log_fatal(error: Exception, code: int, **details: object) -> None:
    """Log the error with which the process ends, as one line of JSON, at any level."""
    import structlog

    from seedcast import logging
    from seedcast.settings import LogSettings

    logging.configure(LogSettings(format="json"))  # a command may have quieted it for a person
    log = structlog.get_logger("seedcast.cli")
    log.critical("fatal", error=type(error).__name__, exit_code=int(code), **details)


def _exit_code(error: SeedcastError) -> int:
    if isinstance(error, Fatal):
        return error.exit_code
    return Exit.UNAVAILABLE if isinstance(error, Retryable) else Exit.INCOMPLETE


def _emit_error(kind: str, code: int, **parts: str) -> None:
    facts = {"error": kind, **parts, "exit_code": int(code)}
    typer.echo(visible_json(json.dumps(facts, ensure_ascii=False)), err=True)


def _show_causes(error: BaseException) -> None:
    """Print the errors behind an error, one line each.

    Of a library's only the kind, since its message may quote a row.
    """
    while (cause := error.__cause__) is not None:
        speaks = isinstance(cause, OSError | SeedcastError)
        said = f": {' '.join(str(cause).split())}" if speaks else ""
        err.print(Text.assemble((f"  {'cause':>8}", "dim"), f" {type(cause).__name__}{said}"))
        error = cause


def _log_format() -> str:
    """Return the format that is set. Checks nothing: an error in the settings is logged, too."""
    if (wanted := os.environ.get("SEEDCAST_LOG_FORMAT")) is not None:
        return wanted
    with suppress(OSError, ValueError, AttributeError):  # no file, no TOML, or no table `log`
        content = tomllib.loads(Path(os.environ.get("SEEDCAST_CONFIG", "")).read_text())
        return str(content.get("log", {}).get("format", "auto"))
    return "auto"
