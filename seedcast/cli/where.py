"""`where`: one request of a campaign, and what has become of it so far."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import Json, app, connected, emit, out, quiet_logs
from seedcast.cli.control import CampaignName
from seedcast.cli.index_notes import note

if TYPE_CHECKING:
    from seedcast.storage.where.report import Where


@app.command(rich_help_panel="Daily work")
def where(
    campaign: CampaignName,
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The list's own id, a request id, or a row's number; in this order."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Say where a request is, with times: rejected, staged, waiting, in work, spoken, or its end.

    What waits has its topic, partition and offset, and how many are before it.
    """
    from seedcast.storage.index.lookup import campaign_index
    from seedcast.storage.s3 import S3Store
    from seedcast.storage.where.find import where as look

    quiet_logs()
    settings = connected()
    with campaign_index(settings, campaign, note) as (index, found):
        answers = look(settings, S3Store(settings.s3), index, found, wanted)
    for answer in answers:
        emit(_facts(answer)) if as_json else _print(answer)


def _facts(answer: "Where") -> dict[str, object]:
    steps = [{"step": step.what, "at": _time(step.at), **step.facts} for step in answer.steps]
    return {
        "campaign_id": answer.campaign_id,
        "request_id": answer.request_id,
        "row": answer.row,
        "id": answer.own_id,
        "state": answer.state,
        "why": answer.why,
        "steps": steps,
    }


def _print(answer: "Where") -> None:
    named = [f"row {answer.row}" if answer.row is not None else "", answer.own_id or ""]
    whose = " · ".join(filter(None, [*named, answer.request_id or ""]))
    out.print(f"{whose}: {answer.state.replace('_', ' ')} – {answer.why}", markup=False)
    for step in answer.steps:
        facts = "  ".join(f"{name} {value}" for name, value in step.facts.items())
        out.print(f"  {_time(step.at) or '':<20}  {step.what:<10}  {facts}".rstrip(), markup=False)


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
