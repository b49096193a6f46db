"""`index`: what an operator does with the results index."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import Json, app, connected, emit, err, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.verbosity import App
from seedcast.errors import IndexDamaged, InvalidSettings, SeedcastError

if TYPE_CHECKING:
    from seedcast.settings import Settings

MIB = 1024 * 1024

index_app = App(
    no_args_is_help=True, help="The results index: its state, its schema, and to make it anew."
)
app.add_typer(index_app, name="index", rich_help_panel="Operations")


@index_app.command("status")
def status(as_json: Json = False) -> None:
    """Show the database, its schema, its size, and how far it is behind the results topic.

    Exit code 1 if it is behind, or its schema is not this version's.
    """
    from seedcast.storage.index.upkeep import read_facts

    quiet_logs()
    settings = _settings()
    facts = read_facts(settings.index)
    is_current = facts.revision == facts.expected
    behind, problem = _behind(settings) if is_current else (None, "")
    if as_json:
        emit({**asdict(facts), "behind": behind})
    else:
        out.print(f"url        {facts.url}", markup=False)
        wanted = "" if is_current else f", expected {facts.expected}"
        out.print(f"schema     {facts.revision or 'none'}{wanted}", markup=False)
        for name, value in (("campaigns", facts.campaigns), ("requests", facts.requests)):
            out.print(f"{name:<9}  {'–' if value is None else f'{value:,}'}")
        out.print(f"size       {(facts.bytes or 0) / MIB:,.0f} MiB")
        out.print(f"indexer    {facts.indexer or '–'}", markup=False)
        out.print(f"behind     {'not known' if behind is None else f'{behind:,} results'}")
    if problem:
        err.print(problem, markup=False)
    raise typer.Exit(Exit.OK if is_current and behind == 0 else Exit.INCOMPLETE)


@index_app.command("migrate")
def migrate_schema(as_json: Json = False) -> None:
    """Bring the schema to this version's, or make it. An indexer does so when it starts."""
    from seedcast.storage.index.migrate import migrate

    quiet_logs()
    before, now = migrate(_settings().index)
    if as_json:
        emit({"before": before, "revision": now})
    elif before == now:
        out.print(f"schema {now} already; nothing to do", markup=False)
    else:
        out.print(f"schema {now}, was {before or 'none'}", markup=False)


@index_app.command("rebuild")
def rebuild_index(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Empty the index. The active indexer fills it again from the topics and the staged lists.

    What the topics have forgotten is lost to the index; the audio and the lists are not. Commands
    read the topics meanwhile, or say how far the index is behind. A SQLite file that is damaged is
    renamed, and another takes its place.
    """
    from seedcast.storage.index.rebuild import rebuild

    quiet_logs()
    settings = _settings()
    url, requests = _contents(settings)
    if not yes:
        count = "all" if requests is None else f"{requests:,}"
        typer.confirm(f"Remove {count} requests from {url}, to be read anew?", abort=True)
    aside = rebuild(settings.index)
    if as_json:
        emit({"url": url, "removed": requests, "damaged": str(aside) if aside else None})
        return
    if aside:
        out.print(f"the file was damaged, and is {aside} now; nothing needs it", markup=False)
    out.print(f"{url} is empty; `seedcast run indexer` fills it", markup=False)


@index_app.command("reposition")
def reposition_index(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Go on with the results that the topic has now, and keep what is indexed.

    For an indexer that ends because records were deleted before it read them, or because the topic
    is another one. Of what was deleted unread the index never learns: those rows stay waiting, and
    their campaigns are not completed. Nothing is counted twice.
    """
    from seedcast.kafka import GroupOffsets
    from seedcast.schemas.topics import RESULTS
    from seedcast.storage.index.repositioning import reposition
    from seedcast.stream_apps.index.term import topic_facts

    quiet_logs()
    settings = _settings()
    facts = topic_facts(GroupOffsets(settings), settings.topic(RESULTS))
    if not yes:
        question = f"Go on with {facts.topic} of cluster {facts.cluster_id} as it is now?"
        typer.confirm(question, abort=True)
    lost = reposition(settings.index, facts)
    if as_json:
        emit({"topic": facts.topic, "lost": lost})
        return
    for partition, count in lost.items():
        out.print(f"partition {partition}: {count:,} records were deleted unread")
    out.print("the indexer goes on with what the topic has", markup=False)


def _contents(settings: "Settings") -> tuple[str, int | None]:
    """Return the URL, and the number of requests; None if nobody can say."""
    from seedcast.storage.index.upkeep import read_facts

    try:
        facts = read_facts(settings.index)
    except IndexDamaged as error:
        err.print(str(error), markup=False)
        return settings.index.url, None
    return facts.url, facts.requests


def _settings() -> "Settings":
    """Raises InvalidSettings if no index is configured."""
    settings = connected(store=False)
    if not settings.index.url:
        raise InvalidSettings(
            "no results index is configured",
            expected="the URL of a database",
            got="none",
            remedy="set SEEDCAST_INDEX_URL",
        )
    return settings


def _behind(settings: "Settings") -> tuple[int | None, str]:
    """Return how many results are not in it; None if the brokers do not say, and why."""
    from seedcast.storage.index.lookup import behind
    from seedcast.storage.index.reader import open_index

    try:
        index = open_index(settings)
        if index is None:
            return None, ""
        with index:
            return behind(settings, index), ""
    except SeedcastError as error:
        return None, str(error)
