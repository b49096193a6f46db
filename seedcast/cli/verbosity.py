"""`-q` and `-v`, which every command has."""

import inspect
from collections.abc import Callable
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any, Literal, TypeVar

import typer

from seedcast.cli.console import err

Command = TypeVar("Command", bound=Callable[..., None])
Level = Literal["error", "warning", "info", "debug"]

Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Print results and errors only.", show_default=False)
]
Verbose = Annotated[
    int,
    typer.Option(
        "-v", "--verbose", count=True, help="Say more; -vv: everything.", show_default=False
    ),
]


class Verbosity:
    """How much this process says. `level` is -1 with -q, 1 with -v, 2 with -vv."""

    level = 0

    def set(self, quiet: bool, verbose: int) -> None:
        """Raises BadParameter if both are given."""
        if quiet and verbose:
            raise typer.BadParameter("expected -q or -v, got both")
        self.level = -1 if quiet else verbose
        err.quiet = quiet

    @property
    def log_level(self) -> Level:
        levels: tuple[Level, ...] = ("error", "warning", "info", "debug")
        return levels[min(self.level, 2) + 1]


verbosity = Verbosity()


class App(typer.Typer):
    """An app whose commands all take -q and -v, and so does one that has commands beneath it."""

    def command(self, *args: Any, **options: Any) -> Callable[[Command], Command]:
        register = super().command(*args, **options)

        def decorate(command: Command) -> Command:
            register(_with_verbosity(command))
            return command

        return decorate

    def command_itself(self) -> Callable[[Command], Command]:
        """Decorate what runs where none of the commands beneath it is named."""
        register = super().callback(invoke_without_command=True)

        def decorate(command: Command) -> Command:
            register(_with_verbosity(command))
            return command

        return decorate


def _with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with two more options, which typer finds in its signature."""

    @wraps(command)
    def run(*args: Any, quiet: bool, verbose: int, **values: Any) -> None:
        verbosity.set(quiet, verbose)
        command(*args, **values)

    more = [
        Parameter("quiet", Parameter.KEYWORD_ONLY, default=False, annotation=Quiet),
        Parameter("verbose", Parameter.KEYWORD_ONLY, default=0, annotation=Verbose),
    ]
    signature = inspect.signature(command)
    parameters = [*signature.parameters.values(), *more]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {
        **command.__annotations__,
        **{parameter.name: parameter.annotation for parameter in more},
    }
    return run
