"""`results`: read manifests."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from seedcast.cli.base import Json, app, connected, emit, err, out, quiet_logs
from seedcast.cli.file_names import require_ending
from seedcast.cli.index_notes import note
from seedcast.printing import visible_json
from seedcast.schemas.messages import SpeechResult

if TYPE_CHECKING:
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
    if parquet:
        require_ending(parquet, ".parquet")
    quiet_logs()
    settings = connected(store=False)
    first_results = _first_results(settings, campaign, follow=follow and parquet is None)
    if parquet:
        _write(parquet, first_results, as_json)
        return
    count = 0
    for result in first_results:
        count += 1
        _print(result, as_json)
    if not count:
        err.print("no results" + (f" of campaign {campaign}" if campaign else ""), markup=False)


def _first_results(
    settings: "Settings", campaign: str | None, *, follow: bool
) -> Iterator[SpeechResult]:
    """Yield them from the index; with `follow`, or without one, from the topic.

    Raises InvalidInput, with similar names, if nobody knows the campaign.
    """
    from seedcast.campaigns.subscription import read_results
    from seedcast.codec import decode_result
    from seedcast.storage.index.lookup import FROM_TOPICS, available_index, find_known

    with nullcontext() if follow else available_index(settings, note) as index:
        if index and (campaign is None or index.campaign(campaign)):
            if campaign is None and (pruned := index.pruned()):
                note(f"the requests of {len(pruned):,} campaigns were deleted from the index")
            yield from map(decode_result, index.results(campaign))
            return
        if campaign is not None:
            find_known(settings, campaign, index)
            if index:
                note(f"the index does not have campaign {campaign} yet; {FROM_TOPICS}")
    yield from read_results(settings, campaign=campaign, follow=follow)


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
