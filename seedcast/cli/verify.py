"""`verify`: the replay audit.

What was delivered is synthesised again, in another batch, and compared with the receipts.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import (
    EngineName,
    Json,
    app,
    connected,
    emit,
    err,
    out,
    quiet_logs,
    with_engine,
)
from seedcast.cli.exit_codes import Exit
from seedcast.cli.progress_bar import progress_bar
from seedcast.errors import InvalidInput

if TYPE_CHECKING:
    from seedcast.gpu_consumers.verify.replay import Verdict

SHOWN = 20  # printed verdicts other than a match; --json has all

Tally = Counter[str]


@app.command(rich_help_panel="Daily work")
def verify(
    campaign: Annotated[str, typer.Argument(help="Whose results to check.")],
    sample: Annotated[
        str, typer.Option(help="Share of the spoken requests; at least 20 of them.")
    ] = "1%",
    everything: Annotated[bool, typer.Option("--all", help="Every spoken request.")] = False,
    engine: EngineName = None,
    any_fingerprint: Annotated[
        bool,
        typer.Option(
            "--any-fingerprint", help="Also check what an engine of another fingerprint spoke."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Synthesise requests again, in another batch and order, and compare with the receipts.

    The requests are those of the campaign's staged list, also months later; of a campaign of
    events, those that the requests topics still keep.
    Exit code 1 if one differs or cannot be found.
    """
    from seedcast.gpu_consumers import engines
    from seedcast.gpu_consumers.verify.replay import replay, requests_of, results_of
    from seedcast.gpu_consumers.verify.replay_sample import choose_receipts
    from seedcast.storage.index.lookup import find_known

    quiet_logs()
    fraction = 1.0 if everything else _fraction(sample)
    settings = with_engine(connected(), engine)
    record = find_known(settings, campaign)
    requests = requests_of(settings, record or campaign)
    with err.status("reading receipts"):
        receipts = choose_receipts(results_of(settings, campaign), fraction)
    with closing(engines.load(settings)) as loaded:
        err.print(loaded.description, style="dim")
        key = settings.postprocess.digest_key.get_secret_value().encode()
        whole = record is not None and record.staged is not None
        verdicts = replay(
            loaded, receipts, requests, key, any_fingerprint=any_fingerprint, whole=whole
        )
        tally = _report(_live(verdicts, len(receipts)), as_json)
        _conclude(campaign, loaded.fingerprint, tally, as_json)
    proven = tally["match"] and not tally["mismatch"] and not tally["missing"]
    raise typer.Exit(Exit.OK if proven else Exit.INCOMPLETE)


def _fraction(sample: str) -> float:
    """Return a percentage as a share from 0 to 1. Raises InvalidInput."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", sample.strip(), re.ASCII)
    if not match or not 0 < float(match[1]) <= 100:
        raise InvalidInput("--sample", expected="a share such as 1% or 0.1%, or --all", got=sample)
    return float(match[1]) / 100


def _live(verdicts: Iterable["Verdict"], total: int) -> Iterator["Verdict"]:
    """Yield the verdicts under a live line that counts them."""
    tally = Tally()
    with progress_bar() as bar:
        task = bar.add_task("verifying", total=total, detail="")
        for verdict in verdicts:
            tally[verdict.outcome] += 1
            detail = f"{tally['match']:,} match, {tally['mismatch']:,} differ, of {total:,}"
            bar.update(task, advance=1, detail=detail)
            yield verdict


def _report(verdicts: Iterable["Verdict"], as_json: bool) -> Tally:
    """Print each verdict other than a match as it arrives; return the count of every outcome."""
    tally, fingerprints = Tally(), Tally()
    for verdict in verdicts:
        tally[verdict.outcome] += 1
        if verdict.outcome == "match":
            continue
        if as_json:
            emit({**asdict(verdict), "differs": verdict.differs})
        elif verdict.outcome == "other_fingerprint":
            fingerprints[verdict.expected.engine_fingerprint] += 1
        elif verdict.outcome != "stray" and tally["mismatch"] + tally["missing"] <= SHOWN:
            _print(verdict)
    if not as_json and (hidden := tally["mismatch"] + tally["missing"] - SHOWN) > 0:
        err.print(f"… and {hidden:,} more; --json has all")
    for fingerprint, count in fingerprints.items():
        err.print(f"other fingerprint: {count:,} were spoken by {fingerprint}")
    return tally


def _print(verdict: "Verdict") -> None:
    if verdict.got is None:
        line = f"[red]missing[/]   {verdict.request_id}  its request is not there"
        err.print(line)
        return
    err.print(f"[red]mismatch[/]  {verdict.request_id}")
    for name in (*verdict.differs, "engine_fingerprint"):
        expected, got = getattr(verdict.expected, name), getattr(verdict.got, name)
        err.print(f"  {name:<18} expected {expected}, got {got}")


def _conclude(campaign: str, fingerprint: str, tally: Tally, as_json: bool) -> None:
    """Print the counts and, if nothing was checked, what to do."""
    checked = tally["match"] + tally["mismatch"]
    if as_json:
        emit(
            {
                "campaign_id": campaign,
                "engine_fingerprint": fingerprint,
                "checked": checked,
                "matches": tally["match"],
                "mismatches": tally["mismatch"],
                "missing": tally["missing"],
                "strays": tally["stray"],
                "other_fingerprint": tally["other_fingerprint"],
            }
        )
        return
    out.print(
        f"{campaign}: {checked:,} checked, {tally['match']:,} match,"
        f" {tally['mismatch']:,} differ; {tally['missing']:,} not found,"
        f" {tally['other_fingerprint']:,} of another fingerprint than {fingerprint}",
    )
    if tally["stray"]:
        err.print(f"{tally['stray']:,} are not of its list, and were not checked")
    if not checked:
        err.print(f"nothing was checked: {_remedy(tally)}")


def _remedy(tally: Tally) -> str:
    if tally["missing"]:
        return "the topics no longer keep the requests, and the campaign has no staged list"
    if tally["other_fingerprint"]:
        return "run this where the workers of that fingerprint run, or add --any-fingerprint"
    return (
        "the results topic keeps no spoken request of this campaign;"
        " `seedcast campaigns` lists them"
    )
