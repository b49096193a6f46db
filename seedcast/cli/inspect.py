"""`inspect`: what post-processing made of one waveform, as a table and as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from seedcast.cli.base import Json, app, connected, emit, err, load, out, quiet_logs
from seedcast.cli.tables import show

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
    as_json: Json = False,
) -> None:
    """Show what post-processing did: a waveform before and after, and each step's figures.

    The waveform before is read from the audio topics, which keep it for two days.
    A file is put through the chain here.
    """
    from seedcast.stream_apps.inspect.find import inspect_file, inspect_request
    from seedcast.stream_apps.inspect.inspection import steps

    quiet_logs()
    if Path(what).exists():
        inspection = inspect_file(load(), Path(what), profile)
    else:
        settings = connected()
        with err.status("reading the topics and rendering again"):
            inspection = inspect_request(settings, what, profile)
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


def _print(inspection: "Inspection", figures: dict[str, object]) -> None:
    out.print(f"[bold]{inspection.name}[/] for {inspection.profile.name}")
    for note in inspection.notes:
        out.print(note, markup=False)
    show(["", ""], ([Text(step, "dim"), str(outcome)] for step, outcome in figures.items()))
