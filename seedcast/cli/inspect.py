"""`inspect`: what post-processing made of one waveform, as a table and as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from seedcast.cli.base import Json, app, connected, emit, err, load, out, quiet_logs
from seedcast.cli.index_notes import note
from seedcast.cli.tables import show
from seedcast.errors import InvalidInput

if TYPE_CHECKING:
    from seedcast.stream_apps.inspect.inspection import Inspection


@app.command(rich_help_panel="Daily work")
def inspect(
    what: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST_ID|FILE", help="As `seedcast results` shows it, or an audio file."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Picture to write: PNG, or SVG or PDF by its ending."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Which profile; default: the request's first, or phone for a file."),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            min=1000,
            max=192_000,
            help="Hz, of a file without a header; default: the usual one of its ending.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what post-processing did: a waveform before and after, and each step's figures.

    The waveform before is read from the audio topics, which keep it for two days.
    A file is put through the chain here: WAV, FLAC, Ogg, MP3, M4A, WebM, or without a header
    (.ulaw, .alaw, .sln, .sln16, .g722).

    Exit code 1 if there is no rendition, or not the one that its manifest names.
    """
    from seedcast.stream_apps.inspect.find import inspect_file, inspect_request
    from seedcast.stream_apps.inspect.inspection import steps

    quiet_logs()
    if Path(what).exists():
        inspection = inspect_file(load(), Path(what), profile, rate)
    else:
        if rate is not None:
            raise InvalidInput(
                "--rate", expected="none: a request's waveform says it", got=str(rate)
            )
        settings = connected()
        with err.status("reading the topics and rendering again"):
            inspection = inspect_request(settings, what, profile, note)
    figures = dict(steps(inspection))
    if as_json:
        facts = {"name": inspection.name, "profile": inspection.profile.name}
        emit({**facts, "notes": list(inspection.notes), **figures})
    else:
        _print(inspection, figures)
    if output:
        from seedcast.stream_apps.inspect.picture import save

        save(inspection, output)
        err.print(f"{output} written")
    if inspection.is_error:
        raise typer.Exit(1)


def _print(inspection: "Inspection", figures: dict[str, object]) -> None:
    out.print(f"[bold]{inspection.name}[/] for {inspection.profile.name}")
    for line in inspection.notes:
        out.print(line, markup=False)
    show(["", ""], ([Text(step, "dim"), str(outcome)] for step, outcome in figures.items()))
