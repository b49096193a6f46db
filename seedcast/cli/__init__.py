"""The command line: the one place that may start any room. Each command imports its room when it runs."""

import sys

from seedcast.cli import campaigns, dead_letters, demo, doctor, results, run, say, stack, submit, topics
from seedcast.cli.base import app, fail
from seedcast.errors import SeedcastError

# In the order in which `seedcast --help` lists them.
COMMANDS = (demo, stack, submit, campaigns, results, say, run, topics, dead_letters, doctor)


def main() -> None:
    """Runs a command; errors of Seedcast become one clear message and an exit code."""
    try:
        app()
    except SeedcastError as error:
        sys.exit(fail(error))
