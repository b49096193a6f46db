"""The command line: the one place that may start any room. Each command imports its room when it runs."""

import os
import signal
import sys
import threading
from importlib import import_module

from seedcast.cli.base import app, fail
from seedcast.errors import SeedcastError

# Each module registers its commands when it is imported; `seedcast --help` lists them in this order.
for _module in (
    "demo",
    "submit",
    "campaigns",
    "control",
    "results",
    "retry",
    "audit",
    "verify",
    "inspect",
    "profiles",
    "say",
    "voices",
    "stack",
    "run",
    "models",
    "bless",
    "topics",
    "dead_letters",
    "doctor",
):
    import_module(f"seedcast.cli.{_module}")


def interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    """Ctrl-C that came while Python was in a finalizer is printed and forgotten: it comes again, a moment later."""
    if issubclass(lost.exc_type, KeyboardInterrupt):
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(lost)


def main() -> None:
    """Runs a command; errors of Seedcast become one clear message and an exit code."""
    # Started in the background by a shell, a process inherits that SIGINT is ignored; Ctrl-C must work there, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = interrupt_again
    try:
        app()
    except SeedcastError as error:
        sys.exit(fail(error))
