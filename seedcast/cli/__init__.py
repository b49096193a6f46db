"""The command line: the one place that may start any room. Each command imports its room when it runs."""

import signal
import sys
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


def main() -> None:
    """Runs a command; errors of Seedcast become one clear message and an exit code."""
    # Started in the background by a shell, a process inherits that SIGINT is ignored; Ctrl-C must work there, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app()
    except SeedcastError as error:
        sys.exit(fail(error))
