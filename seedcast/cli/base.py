"""What all commands share: the app, the console, exit codes, and how an error is shown."""

import json
import os
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import IntEnum
from functools import wraps
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer
from rich.markup import escape
from rich.text import Text

from seedcast import __version__
from seedcast.cli.console import err as err
from seedcast.cli.console import out as out
from seedcast.cli.verbosity import App, verbosity
from seedcast.errors import Fatal, Retryable, SeedcastError
from seedcast.printing import visible_json

if TYPE_CHECKING:
    from seedcast.settings import Settings


class Exit(IntEnum):
    """What a program that calls us can rely on."""

    OK = 0  # everything that was asked for is done
    INCOMPLETE = 1  # finished, but rows were rejected or requests did not succeed
    USAGE = 2  # wrong arguments, settings or input file; nothing was done
    FATAL = 3  # the environment does not allow it: topics, credentials, ports, no broker
    UNAVAILABLE = 75  # something is away for the moment; the same command may work later
    INTERRUPTED = 130  # Ctrl-C; the same command continues from there


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
    str | None, typer.Option(help="espeak or chattts; default: SEEDCAST_GPU_ENGINE.")
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
                _report_interrupt(what)
                raise

        return run

    return decorate


def _report_interrupt(what: str) -> None:
    remedy = "run it again to go on"
    if wants_json():
        _emit_error("Interrupted", Exit.INTERRUPTED, what="interrupted", got=what, remedy=remedy)
    else:
        show_error("; ".join(filter(None, ("interrupted", what, remedy))))


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
    err.print(Text.assemble(("error", "bold red"), f" {error.what}"))
    for label, text in (("expected", error.expected), ("got", error.got), ("to do", error.remedy)):
        if text:
            err.print(Text.assemble((f"  {label:>8}", "dim"), f" {text}"))
    if verbosity.level > 0:
        _show_causes(error)
    return code


def _show_causes(error: BaseException) -> None:
    """Print the errors behind an error, one line each.

    Of a library's only the kind, since its message may quote a row.
    """
    while (cause := error.__cause__) is not None:
        speaks = isinstance(cause, OSError | SeedcastError)
        said = f": {' '.join(str(cause).split())}" if speaks else ""
        err.print(Text.assemble((f"  {'cause':>8}", "dim"), f" {type(cause).__name__}{said}"))
        error = cause


def errors_as_json(arguments: Sequence[str]) -> bool:
    """Return True if the error with which this command ends belongs into a JSON log.

    So it does where the format is json; and for a worker also where its log goes to no terminal.
    """
    wanted = _log_format()
    is_worker = list(arguments[:1]) == ["run"]
    return wanted == "json" or (wanted == "auto" and is_worker and not sys.stderr.isatty())


def _log_format() -> str:
    """Return the format that is set. Checks nothing: an error in the settings is logged, too."""
    if (wanted := os.environ.get("SEEDCAST_LOG_FORMAT")) is not None:
        return wanted
    with suppress(OSError, ValueError, AttributeError):  # no file, no TOML, or no table `log`
        content = tomllib.loads(Path(os.environ.get("SEEDCAST_CONFIG", "")).read_text())
        return str(content.get("log", {}).get("format", "auto"))
    return "auto"


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


def show_error(line: str) -> None:
    """Print a line on stderr, with -q, too."""
    err.quiet = False
    err.print(line, markup=False)


def wants_json() -> bool:
    """Return True if the command line has --json. Errors are JSON then, also those of usage."""
    arguments = sys.argv[1:]
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return "--json" in arguments[:end]


def fail_usage(error: typer.TyperException) -> int:
    """Print a wrong argument as JSON; return the exit code."""
    what = error.format_message()
    _emit_error("Usage", error.exit_code, what=what, remedy="see --help")
    return error.exit_code


def _emit_error(kind: str, code: int, **parts: str) -> None:
    facts = {"error": kind, **parts, "exit_code": int(code)}
    typer.echo(json.dumps(facts, ensure_ascii=False), err=True)


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
