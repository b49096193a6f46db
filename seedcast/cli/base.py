"""What all commands share: the app, the console, exit codes, and how an error is shown."""

import json
from enum import IntEnum
from logging import ERROR, getLogger
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from seedcast.errors import Fatal, Retryable, SeedcastError
from seedcast.settings import Settings, load


class Exit(IntEnum):
    """What a program that calls us can rely on."""

    OK = 0  # all that was asked for, done
    INCOMPLETE = 1  # finished, but rows were rejected or requests did not succeed
    USAGE = 2  # wrong arguments, settings or input file: nothing was done
    FATAL = (
        3  # the environment does not allow it: topics, credentials, ports, an unreachable broker
    )
    UNAVAILABLE = 75  # something is away for the moment: the same command may work later
    INTERRUPTED = 130  # Ctrl-C; the same command goes on from there


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Turns a list of personalised texts into delivered speech. Start with [bold]seedcast demo[/].",
    epilog="Exit codes: 0 done · 1 some rejected or failed · 2 wrong input or settings · 3 cannot run here · 70 hung · 75 try later · 130 interrupted.",
)
out = Console(highlight=False, emoji=False)  # what a row calls :x: is no picture
err = Console(stderr=True, highlight=False, emoji=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line, for programs.")]


def fail(error: SeedcastError) -> int:
    """Shows what, expected, got and what to do; returns the exit code."""
    err.print(Text.assemble(("error", "bold red"), f" {error.what}"), soft_wrap=True)
    for label, text in (("expected", error.expected), ("got", error.got), ("to do", error.remedy)):
        if text:
            err.print(
                Text.assemble((f"  {label:>8}", "dim"), f" {text}"), soft_wrap=True
            )  # whole lines, for whoever searches a log
    if isinstance(error, Fatal):
        return error.exit_code
    return Exit.UNAVAILABLE if isinstance(error, Retryable) else Exit.INCOMPLETE


def connected() -> Settings:
    """The settings, pointed at the embedded stack where they name no servers. Raises InvalidSettings."""
    from seedcast import embedded

    return embedded.connected(load())


def quiet_logs() -> None:
    """Warnings only: a person reads this terminal."""
    from seedcast import logging
    from seedcast.settings import LogSettings

    logging.configure(LogSettings(level="warning", format="console"))
    getLogger("librdkafka").setLevel(ERROR)  # it warns of every retry


def emit(value: Any) -> None:
    """One JSON object a line on stdout, unwrapped and unstyled."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))
