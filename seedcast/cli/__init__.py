"""The command line: the only package that may import all the others.

Each command imports what it needs when it runs.
"""

import os
import signal
import sys
import threading
from importlib import import_module

from seedcast.cli.base import app, fail
from seedcast.errors import SeedcastError

# Importing a module registers its commands; `seedcast --help` lists them in this order.
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


def interrupt_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Send SIGINT again if a finalizer swallowed a KeyboardInterrupt.

    Python prints an exception of a finalizer and drops it, so that Ctrl-C would be lost.
    """
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(unraisable)


def main() -> None:
    """Run a command. An error of Seedcast becomes one clear message and an exit code."""
    # A process that a shell starts in the background inherits an ignored SIGINT.
    # Ctrl-C must work there, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = interrupt_again
    try:
        app()
    except SeedcastError as error:
        sys.exit(fail(error))
