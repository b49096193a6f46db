"""`export`: a campaign's rows as one flat list, for people and their programs."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from seedcast.cli.base import Json, app, connected, continues, emit, err, out, quiet_logs
from seedcast.cli.control import CampaignName
from seedcast.cli.index_notes import note
from seedcast.cli.progress_bar import progress_bar
from seedcast.errors import InvalidInput

if TYPE_CHECKING:
    from seedcast.storage.export.export import ExportReport, Format, Source
    from seedcast.storage.export.lines import LineOptions
    from seedcast.storage.index.indexed import IndexedCampaign

FORMATS = ("csv", "xlsx", "parquet", "jsonl")
PIPE = Path("-")


@app.command("export", rich_help_panel="Daily work")
@continues()
def export_list(
    campaign: CampaignName,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="File to write, .csv, .xlsx, .parquet or .jsonl; - is stdout."
        ),
    ],
    urls: Annotated[
        str | None,
        typer.Option(help="Add links that anybody can fetch for this long, such as 7d, at most."),
    ] = None,
    with_columns: Annotated[
        bool, typer.Option("--with-columns", help="Add the columns that the list came with.")
    ] = False,
    profile: Annotated[
        list[str] | None, typer.Option(help="Only audio of this profile; may be repeated.")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            help="Only rows that are succeeded, failed, expired, cancelled or waiting; or stray:"
            " results of no row. May be repeated."
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help="csv, xlsx, parquet or jsonl; default: by the file's name."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a campaign's rows as one flat list: a line for each row and profile.

    Rows without a result are in it, as waiting. Cells that a spreadsheet might run begin with an
    apostrophe, in CSV and XLSX.
    """
    from seedcast.storage.export.lines import LineOptions
    from seedcast.storage.export.links import signing
    from seedcast.storage.export.source import source_of
    from seedcast.storage.index.lookup import campaign_index
    from seedcast.storage.s3 import S3Store

    chosen, statuses = _format(output, format_), _statuses(status or [])
    valid = _duration(urls) if urls else None
    if as_json and output == PIPE:
        raise typer.BadParameter("expected a file with --json, got -o -, whose list is on stdout")
    quiet_logs()
    settings = connected()
    store = S3Store(settings.s3)
    options = LineOptions(
        profiles=frozenset(profile or ()), sign=signing(store, valid) if valid else None
    )
    with campaign_index(settings, campaign, note) as (index, found):
        source = source_of(index, found, statuses, store if with_columns else None)
        with _progress(source.most) as on_progress:
            report = _write(source, output, chosen, options, on_progress)
        _show(report, found, output, as_json)
    if profile and not report.audio:
        err.print(f"no row has audio of {' or '.join(profile)}", markup=False)


def _write(
    source: "Source",
    output: Path,
    chosen: "Format",
    options: "LineOptions",
    on_progress: Callable[[int], None],
) -> "ExportReport":
    from seedcast.storage.export.export import export_file, export_stream

    if output == PIPE:
        return export_stream(source, sys.stdout.buffer, chosen, options, on_progress)
    return export_file(source, output, chosen, options, on_progress)


def _show(report: "ExportReport", found: "IndexedCampaign", output: Path, as_json: bool) -> None:
    strays = found.progress.strays
    if strays:
        err.print(
            f"{strays:,} results are not of its list; `--status stray` exports them", markup=False
        )
    if report.cut:
        err.print(f"{report.cut:,} cells were too long for a workbook, and are cut", markup=False)
    if as_json:
        emit({"file": str(output), **asdict(report), "strays": strays})
        return
    line = (
        f"{report.lines:,} lines of {report.requests:,} requests, {report.audio:,} with audio,"
        f" {report.waiting:,} waiting"
    )
    where = "" if output == PIPE else f" in {output}"
    (err if output == PIPE else out).print(line + where, markup=False)


def _format(output: Path, wanted: str | None) -> "Format":
    """Raises InvalidInput if neither the option nor the file's ending says which."""
    from seedcast.storage.export.export import STREAMED

    default = "csv" if output == PIPE else output.suffix.lower().removeprefix(".")
    chosen = wanted or default
    if chosen not in FORMATS:
        raise InvalidInput(
            "--format" if wanted else str(output),
            expected=" or ".join(FORMATS) + ("" if wanted else ", as the name's ending"),
            got=chosen or "none",
        )
    if output == PIPE and chosen not in STREAMED:
        raise InvalidInput("-o -", expected=" or ".join(STREAMED), got=chosen)
    return cast("Format", chosen)


def _statuses(wanted: list[str]) -> frozenset[str]:
    from seedcast.storage.export.columns import ASKED

    for each in wanted:
        if each not in ASKED:
            raise InvalidInput("--status", expected=f"one of {', '.join(ASKED)}", got=each)
    return frozenset(wanted)


def _duration(text: str) -> timedelta:
    from seedcast.producers.rows.values import InvalidValue, deadline
    from seedcast.storage.objects import require_link_time

    now = datetime.now(UTC)
    try:
        valid = deadline(text, now) - now
    except InvalidValue as error:
        raise error.of_input("--urls") from error
    require_link_time(valid)
    return valid


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[int], None]]:
    with progress_bar(transient=True) as bar:
        task = bar.add_task("exporting", total=total or None, detail="")
        yield lambda done: bar.update(task, completed=done, detail=f"{done:,} requests")
