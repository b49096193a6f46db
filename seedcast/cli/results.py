"""`results` and `fetch`: read manifests, and download the audio they name."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from seedcast.cli.base import Json, app, connected, emit, err, out, quiet_logs
from seedcast.cli.file_names import choose, require_ending
from seedcast.errors import Fatal, InvalidInput
from seedcast.printing import visible_json
from seedcast.schemas.messages import Rendition, SpeechResult

if TYPE_CHECKING:
    from seedcast.schemas import messages
    from seedcast.settings import Settings

Campaign = Annotated[str | None, typer.Option("--campaign", help="Only of this campaign.")]


@app.command(rich_help_panel="Daily work")
def results(
    campaign: Campaign = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Continue with what arrives, until Ctrl-C.")
    ] = False,
    parquet: Annotated[
        Path | None, typer.Option(help="Write manifests to this Parquet file instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read manifests: the first result of every request."""
    from seedcast.campaigns.subscription import read_results

    if parquet:
        require_ending(parquet, ".parquet")
    quiet_logs()
    settings = connected(store=False)
    if campaign:
        find_known(settings, campaign)
    first_results = read_results(settings, campaign=campaign, follow=follow and parquet is None)
    if parquet:
        _write(parquet, first_results, as_json)
        return
    count = 0
    for result in first_results:
        count += 1
        _print(result, as_json)
    if not count:
        err.print("no results" + (f" of campaign {campaign}" if campaign else ""), markup=False)


def find_known(settings: "Settings", campaign: str) -> "messages.Campaign | None":
    """Return its record, None if it only has results.

    Raise InvalidInput, with similar names, if there is neither a record nor a result of it.

    What producers in other languages send may belong to a campaign without a record.
    """
    from seedcast.campaigns.campaign_topic import find_campaign, read_campaigns
    from seedcast.campaigns.subscription import read_results

    records = read_campaigns(settings)
    if campaign not in records and any(read_results(settings, campaign=campaign)):
        return None
    return find_campaign(records, campaign)


def _write(parquet: Path, rows: Iterable[SpeechResult], as_json: bool) -> None:
    from seedcast.storage import manifests

    count = manifests.write(parquet, rows)
    if as_json:
        emit({"file": str(parquet), "manifests": count})
        return
    out.print(f"{count:,} manifests in {parquet}", markup=False)


def _print(r: SpeechResult, as_json: bool) -> None:
    import msgspec

    if as_json:
        typer.echo(visible_json(msgspec.json.encode(r).decode()))
        return
    colour = "green" if r.status == "succeeded" else "red"
    row = r.metadata.get("id", r.metadata.get("row", ""))
    status = (f"{r.status:<9}", colour)
    line = Text.assemble(f"{r.request_id}  ", status, f"  {row:<10}  {_detail(r)}")
    out.print(line)


def _detail(r: SpeechResult) -> str:
    """Return the error, or each rendition with its length."""
    renditions = ", ".join(f"{x.profile} {x.duration:.1f} s" for x in r.renditions)
    detail = f"{r.error.code}: {r.error.message}" if r.error else renditions
    return f"{detail}, {r.unspoken} characters without a sound" if r.unspoken else detail


@app.command(rich_help_panel="Daily work")
def fetch(
    request_id: Annotated[str, typer.Argument(help="As `seedcast results` shows it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    profile: Annotated[
        str | None,
        typer.Option(help="Which rendition; default: the first that fits the file's ending."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Download one rendition, and check its hash.

    The file's ending must fit the rendition.
    """
    import msgspec

    from seedcast.storage.s3 import S3Store

    quiet_logs()
    settings = connected()
    rendition = _rendition(_result(settings, request_id), output, profile)
    data = S3Store(settings.s3).get(rendition.uri)
    if (digest := hashlib.sha256(data).hexdigest()) != rendition.sha256:
        raise Fatal(
            f"{rendition.uri} differs from its manifest; nothing was written",
            expected=f"SHA-256 {rendition.sha256}",
            got=digest,
            remedy="`seedcast audit` says which other objects do",
        )
    try:
        output.write_bytes(data)
    except OSError as error:
        raise InvalidInput(
            str(output), expected="a file that can be written", got=str(error)
        ) from error
    if as_json:
        emit({"request_id": request_id, "file": str(output), **msgspec.to_builtins(rendition)})
        return
    out.print(
        f"{output}  {rendition.duration:.2f} s  {rendition.format}  {len(data):,} bytes",
        markup=False,
    )


def _result(settings: "Settings", request_id: str) -> SpeechResult:
    """Return the first result of the request. Raises InvalidInput."""
    from seedcast.campaigns.subscription import read_results

    for result in read_results(settings):
        if result.request_id == request_id:
            return result
    raise InvalidInput(
        f"request {request_id}",
        expected="an id with a result",
        got="none",
        remedy="`seedcast results` lists them",
    )


def _rendition(result: SpeechResult, output: Path, profile: str | None) -> Rendition:
    """Return the rendition that the file's name promises. Raises InvalidInput."""
    renditions = {rendition.profile: rendition for rendition in result.renditions}
    if not renditions:
        raise InvalidInput(
            f"request {result.request_id}",
            expected=f"a rendition for {profile or 'any profile'}",
            got=f"none: the request ended as {result.status}",
        )
    endings = {name: each.uri.rsplit(".", 1)[-1] for name, each in renditions.items()}
    return renditions[choose(output, endings, profile)]
