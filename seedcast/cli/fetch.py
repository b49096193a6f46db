"""`fetch`: download one rendition, or all audio of a campaign."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import Json, app, connected, continues, emit, err, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.file_names import choose
from seedcast.cli.index_notes import note
from seedcast.cli.progress_bar import progress_bar
from seedcast.errors import Fatal, InvalidInput
from seedcast.schemas.messages import Rendition, SpeechResult
from seedcast.storage.export.names import DEFAULT

if TYPE_CHECKING:
    from seedcast.settings import Settings
    from seedcast.storage.export.audio import FetchReport
    from seedcast.storage.export.names import NameTemplate
    from seedcast.storage.export.plan import Plan


MIB = 1024 * 1024


@app.command(rich_help_panel="Daily work")
@continues("what is fetched is kept")
def fetch(
    what: Annotated[
        str,
        typer.Argument(metavar="CAMPAIGN|ID", help="A campaign, with DIR; or an id, with -o FILE."),
    ],
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where all audio of the campaign goes.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write: one rendition of one request."),
    ] = None,
    name: Annotated[
        str,
        typer.Option(
            help="Of each file in DIR: of {id}, {row}, {request_id}, {campaign}, {profile}, {ext};"
            " with / for folders."
        ),
    ] = DEFAULT,
    campaign: Annotated[
        str | None,
        typer.Option(
            "--campaign", help="With -o: ID is the list's own, or a row's number, in this campaign."
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            help="Which renditions; may be repeated with DIR."
            " Default: all, or with -o the first that fits the file's ending."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Download audio, and check its hash: all of a campaign, or one rendition.

    seedcast fetch CAMPAIGN DIR fetches what is not there yet, many files at a time. What is missing
    or altered is named at the end, and the others come: exit code 1.

    seedcast fetch ID -o FILE fetches one. ID is a request's, as `seedcast results` shows it.
    """
    wanted = profile or []
    if (folder is None) == (output is None):
        raise typer.BadParameter(
            "expected CAMPAIGN DIR for all audio of a campaign, or ID -o FILE for one file, got"
            + (" neither DIR nor -o" if folder is None else " both DIR and -o")
        )
    if output is not None:
        if len(wanted) > 1 or name != DEFAULT:
            raise typer.BadParameter("expected at most one --profile and no --name with -o")
        _fetch_one(what, campaign, output, wanted[0] if wanted else None, as_json)
    elif folder is not None:
        if campaign is not None:
            raise typer.BadParameter("expected no --campaign with DIR: the argument names it")
        _fetch_all(what, folder, name, frozenset(wanted), as_json)


def _fetch_all(
    campaign: str, folder: Path, name: str, profiles: frozenset[str], as_json: bool
) -> None:
    from seedcast.storage.export.audio import fetch_audio
    from seedcast.storage.export.names import NameTemplate
    from seedcast.storage.export.plan import Plan
    from seedcast.storage.s3 import S3Store

    template = NameTemplate(name)
    quiet_logs()
    settings = connected()
    store, threads = S3Store(settings.s3), settings.s3.concurrency
    with closing(Plan()) as plan:
        _fill(plan, settings, campaign, template, profiles)
        with _progress(plan) as on_progress:
            report = fetch_audio(store, plan, folder, threads, on_progress)
        _show(report, plan, folder, as_json)
    raise typer.Exit(Exit.INCOMPLETE if report.failed else Exit.OK)


def _fill(
    plan: "Plan",
    settings: "Settings",
    campaign: str,
    template: "NameTemplate",
    profiles: frozenset[str],
) -> None:
    from seedcast.storage.index.lookup import campaign_index

    with campaign_index(settings, campaign, note) as (index, found):
        plan.add(index.rows(campaign), template, profiles)
        if found.progress.strays:
            err.print(f"{found.progress.strays:,} results are not of its list, and are left out")


def _show(report: "FetchReport", plan: "Plan", folder: Path, as_json: bool) -> None:
    if as_json:
        emit({"folder": str(folder), **asdict(report), "without_audio": plan.without})
        return
    for problem in report.problems:
        err.print(f"{problem.name} ({problem.whose}): {problem.what}", markup=False)
    if report.failed > len(report.problems):
        err.print(f"… and {report.failed - len(report.problems):,} more")
    if plan.without:
        each = ", ".join(f"{count:,} {status}" for status, count in plan.without.items())
        err.print(f"requests without audio: {each}", markup=False)
    failed = f", {report.failed:,} not as they should be" if report.failed else ""
    out.print(
        f"{report.fetched:,} files fetched, {report.kept:,} there already{failed}: {folder}",
        markup=False,
    )


@contextmanager
def _progress(plan: "Plan") -> Iterator[Callable[["FetchReport"], None]]:
    with progress_bar() as bar:
        task = bar.add_task("fetching", total=plan.files or None, detail="")

        def show(report: "FetchReport") -> None:
            done = report.fetched + report.kept + report.failed
            detail = f"{done:,} of {plan.files:,} files, {report.bytes / MIB:,.0f} MiB"
            bar.update(task, completed=done, detail=detail)

        yield show


def _fetch_one(
    what: str, campaign: str | None, output: Path, profile: str | None, as_json: bool
) -> None:
    import msgspec

    from seedcast.storage.s3 import S3Store

    quiet_logs()
    settings = connected()
    result = _of_campaign(settings, campaign, what) if campaign else _result(settings, what)
    rendition = _rendition(result, output, profile)
    data = S3Store(settings.s3).get(rendition.uri)
    if (digest := hashlib.sha256(data).hexdigest()) != rendition.sha256:
        raise Fatal(
            f"{rendition.uri} differs from its manifest; nothing was written",
            expected=f"SHA-256 {rendition.sha256}",
            got=digest,
            remedy="`seedcast audit` says which other objects do",
        )
    _write(output, data)
    if as_json:
        facts = msgspec.to_builtins(rendition)
        emit({"request_id": result.request_id, "file": str(output), **facts})
        return
    out.print(
        f"{output}  {rendition.duration:.2f} s  {rendition.format}  {len(data):,} bytes",
        markup=False,
    )


def _write(output: Path, data: bytes) -> None:
    from seedcast.storage.export.files import appearing

    with appearing(output) as unfinished:
        unfinished.write_bytes(data)


def _result(settings: "Settings", request_id: str) -> SpeechResult:
    """Return the first result of the request. Raises InvalidInput."""
    from seedcast.storage.index.lookup import first_result

    if result := first_result(settings, request_id, note):
        return result
    raise InvalidInput(
        f"request {request_id}",
        expected="an id with a result",
        got="none",
        remedy="`seedcast results` lists them; --campaign NAME takes the list's own ids",
    )


def _of_campaign(settings: "Settings", campaign: str, own_id: str) -> SpeechResult:
    """Return the result of a row by its own id, its number or its request id.

    Raises InvalidInput if there is none, or several have that id.
    """
    from seedcast.storage.index.lookup import campaign_index

    with campaign_index(settings, campaign, note) as (index, _):
        found = index.find(campaign, own_id)
    results = [result for each in found if (result := each.result)]
    if len(found) == 1 and results:
        return results[0]
    several = ", ".join(each.request_id for each in found)
    raise InvalidInput(
        f"id {own_id} of campaign {campaign}",
        expected="an id, a row's number or a request id, with a result",
        got=f"several: {several}" if len(found) > 1 else "no result yet" if found else "none",
        remedy=f"`seedcast where {campaign} {own_id}` says more",
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
