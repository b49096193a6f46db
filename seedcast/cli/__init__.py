"""The command line: the only package that may import all the others.

Each command imports what it needs when it runs.
"""

import os
import signal
import sys
import threading
from importlib import import_module

import typer

from seedcast.cli.base import app
from seedcast.cli.error_output import errors_as_json, fail, fail_usage, log_fatal, wants_json
from seedcast.cli.exit_codes import Exit
from seedcast.errors import SeedcastError

# Importing a module registers its commands; `seedcast --help` lists them in this order.
for _module in (
    "demo",
    "check",
    "submit",
    "campaigns",
    "control",
    "campaign_terms",
    "campaign_shown",
    "results",
    "export",
    "fetch",
    "where",
    "retry",
    "audit",
    "verify",
    "inspect",
    "profiles",
    "say",
    "voices",
    "stack",
    "open_page",
    "run",
    "models",
    "bless",
    "index",
    "keys",
    "webhooks",
    "topics",
    "dead_letters",
    "doctor",
):
    import_module(f"seedcast.cli.{_module}")


def interrupt_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Send SIGINT again if a finalizer swallowed a KeyboardInterrupt.

    Python prints an exception of a finalizer and drops it, so that Ctrl-C would be lost.
    """
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(unraisable)


def main() -> None:
    """Run a command. An error becomes one clear message, or one line of JSON, and an exit code."""
    # A process that a shell starts in the background inherits an ignored SIGINT.
    # Ctrl-C must work there, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = interrupt_again
    sys.exit(run_logged() if errors_as_json(sys.argv[1:]) else run())


def run() -> int:
    """Run the command for a person. What typer handles itself ends the process here."""
    try:
        return _run_for_program() if wants_json() else int(app() or Exit.OK)
    except SeedcastError as error:
        return fail(error)


def _run_for_program() -> int:
    """Run a command; return its exit code. Wrong arguments are JSON, too."""
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        return fail_usage(error)
    except typer.Abort:
        return Exit.INCOMPLETE
    return code if isinstance(code, int) else Exit.OK


def run_logged() -> int:
    """Run the command for a program: the error with which it ends is one line of a JSON log."""
    try:
        return int(app(standalone_mode=False) or Exit.OK)
    except SeedcastError as error:
        return fail(error, logged=True)
    except Exception as error:
        code, what = Exit.INCOMPLETE, {"problem": "unforeseen", "exc_info": error}
        if isinstance(error, typer.TyperException):  # wrong arguments
            code, what = Exit.USAGE, {"problem": error.format_message()}
        log_fatal(error, code, **what)
        return code
