"""`results` and `fetch`: reading manifests, and getting the audio they name."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from schemas.messages import SpeechResult
from seedcast.cli.base import Exit, Json, app, connected, err, out, quiet_logs
from seedcast.errors import InvalidInput

Campaign = Annotated[str | None, typer.Option("--campaign", help="Only of this campaign.")]


@app.command(rich_help_panel="Daily work")
def results(
    campaign: Campaign = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what arrives, until Ctrl-C.")
    ] = False,
    parquet: Annotated[
        Path | None, typer.Option(help="Write manifests to this Parquet file instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read manifests: the first result of every request."""
    from seedcast.campaigns.subscription import read_results

    quiet_logs()
    found = read_results(connected(), campaign=campaign, follow=follow and parquet is None)
    if parquet:
        from storage import manifests

        out.print(
            f"{manifests.write(parquet, found):,} manifests in {parquet}",
            markup=False,
            soft_wrap=True,
        )
        return
    none = True
    for result in found:
        none = False
        _print(result, as_json)
    if none:
        err.print("no results" + (f" of campaign {campaign}" if campaign else ""), markup=False)


def _print(r: SpeechResult, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(msgspec.json.encode(r))
        return
    detail = (
        f"{r.error.code}: {r.error.message}"
        if r.error
        else ", ".join(f"{x.profile} {x.duration:.1f} s" for x in r.renditions)
    )
    if r.unspoken:
        detail += f", {r.unspoken} characters without a sound"
    colour = "green" if r.status == "succeeded" else "red"
    row = r.metadata.get("id", r.metadata.get("row", ""))
    out.print(
        Text.assemble(f"{r.request_id}  ", (f"{r.status:<9}", colour), f"  {row:<10}  {detail}"),
        soft_wrap=True,
    )


@app.command(rich_help_panel="Daily work")
def fetch(
    request_id: Annotated[str, typer.Argument(help="As `seedcast results` shows it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    profile: Annotated[
        str | None, typer.Option(help="Which rendition; default: the first.")
    ] = None,
) -> None:
    """Download one rendition, and check its hash."""
    import hashlib

    from seedcast.campaigns.subscription import read_results
    from storage.s3 import S3Store

    quiet_logs()
    settings = connected()
    result = next((r for r in read_results(settings) if r.request_id == request_id), None)
    if result is None:
        raise InvalidInput(
            f"request {request_id}",
            expected="an id with a result",
            got="none",
            remedy="`seedcast results` lists them",
        )
    found = [r for r in result.renditions if profile in (None, r.profile)]
    if not found:
        have = ", ".join(r.profile for r in result.renditions) or f"none: it {result.status}"
        raise InvalidInput(
            f"request {request_id}",
            expected=f"a rendition for {profile or 'any profile'}",
            got=have,
        )
    data = S3Store(settings.s3).get(found[0].uri)
    if hashlib.sha256(data).hexdigest() != found[0].sha256:
        err.print("[red]the object is not what its manifest says[/]; nothing was written")
        raise typer.Exit(Exit.FATAL)
    try:
        output.write_bytes(data)
    except OSError as error:
        raise InvalidInput(
            str(output), expected="a file that can be written", got=str(error)
        ) from error
    out.print(
        f"{output}  {found[0].duration:.2f} s  {found[0].format}  {len(data):,} bytes",
        markup=False,
        soft_wrap=True,
    )
