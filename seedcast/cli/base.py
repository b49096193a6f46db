"""What all commands share: the app, its options, the settings and the console."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from logging import ERROR, getLogger
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer
from rich.markup import escape

from seedcast import __version__
from seedcast.cli.console import err as err
from seedcast.cli.console import out as out
from seedcast.cli.error_output import report_interrupt
from seedcast.cli.verbosity import App, verbosity
from seedcast.printing import visible_json

if TYPE_CHECKING:
    from seedcast.settings import Settings


app = App(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Turns a list of personalised texts into delivered speech."
    " Start with [bold]seedcast demo[/].",
    epilog="Exit codes: 0 done · 1 some rejected or failed · 2 wrong input or settings ·"
    " 3 cannot run here · 70 hung · 75 try later · 130 interrupted.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"seedcast {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


P = ParamSpec("P")
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
EngineName = Annotated[
    str | None,
    typer.Option(
        help="espeak, chattts, or echo, which speaks nothing: tones at once, for load tests. "
        r"\[default: SEEDCAST_GPU_ENGINE]"
    ),
]


def continues(what: str = "") -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Decorate a command that goes on where Ctrl-C has interrupted it, and then says so.

    `what` is what goes on meanwhile.
    """

    def decorate(command: Callable[P, None]) -> Callable[P, None]:
        @wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                command(*args, **kwargs)
            except KeyboardInterrupt:
                report_interrupt(what)
                raise

        return run

    return decorate


def load() -> "Settings":
    """Return the settings of the environment and of its file. Raises InvalidSettings."""
    from seedcast import settings  # 0.3 s with pydantic, which `--help` does not need

    loaded = settings.load()
    if not verbosity.level:
        return loaded
    log = loaded.log.model_copy(update={"level": "debug" if verbosity.level > 0 else "warning"})
    return loaded.model_copy(update={"log": log})


def connected(*, store: bool = True) -> "Settings":
    """Return the settings; where they name no servers, with those of the embedded stack.

    Without `store` the command needs Kafka only. Raises InvalidSettings.
    """
    from seedcast import embedded

    settings = embedded.connected(load(), store=store)
    if verbosity.level > 0:
        kafka, s3 = settings.kafka, settings.s3
        bucket = f"; s3 {s3.endpoint}, bucket {s3.bucket}" if store else ""
        err.print(
            f"kafka {kafka.bootstrap}, prefix {kafka.prefix}{bucket}", style="dim", markup=False
        )
    return settings


def load_embedded(engine: str | None = None) -> "Settings":
    """Return the settings for a command that starts the embedded stack, with this engine.

    Raises InvalidSettings if they name other servers, and BadParameter.
    """
    from seedcast import embedded

    settings = load()
    embedded.refuse_other_servers(settings)
    return with_engine(settings, engine)


def with_engine(settings: "Settings", engine: str | None) -> "Settings":
    """Return the settings with this engine; unchanged if None. Raises BadParameter."""
    if engine is None:
        return settings
    from seedcast.gpu_consumers.engines import ENGINES

    if engine not in ENGINES:
        raise typer.BadParameter(f"expected one of {', '.join(ENGINES)}, got {engine}")
    return settings.model_copy(update={"gpu": settings.gpu.model_copy(update={"engine": engine})})


def quiet_logs() -> None:
    """Log warnings only, since a person reads this terminal; errors with -q, more with -v."""
    from seedcast import logging
    from seedcast.settings import LogSettings

    logging.configure(LogSettings(level=verbosity.log_level, format="console"))
    if verbosity.level <= 0:
        getLogger("librdkafka").setLevel(ERROR)  # it warns of every retry


@contextmanager
def steps(first: str) -> Iterator[Callable[[str], None]]:
    """Yield what shows the step that is under way: a spinner, or a line each in a pipe."""
    if not err.is_terminal:
        yield lambda step: err.print(step, markup=False)
        return
    with err.status(first) as status:
        yield lambda step: status.update(escape(step))


def emit(value: Any) -> None:
    """Print one JSON object on one line of stdout, without wrapping or style."""
    typer.echo(visible_json(json.dumps(value, ensure_ascii=False, default=str)))
