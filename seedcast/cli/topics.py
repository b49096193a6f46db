"""`topics`: create, check and list the topics of the table in schemas/topics.py."""

import typer
from rich.markup import escape

from seedcast.cli.base import Json, app, connected, emit, load, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.tables import show
from seedcast.cli.verbosity import App
from seedcast.schemas.rights import CHECKER
from seedcast.schemas.topics import TOPICS

AGREES = "every topic is there and agrees with the table"

topics = App(no_args_is_help=True, help="Create, check and list the topics.")
app.add_typer(topics, name="topics", rich_help_panel="Operations")


@topics.command()
def create(as_json: Json = False) -> None:
    """Create what is missing, and check the rest.

    Exit code 3 if a topic contradicts the table.
    """
    from seedcast.kafka import Admin

    quiet_logs()
    admin = Admin(connected(store=False))
    admin.cluster_id()
    admin.require(CHECKER)  # nothing is created that is there
    created = admin.ensure_topics()
    if as_json:
        emit({"created": created})
    else:
        lines = "\n".join(f"created {name}" for name in created)
        out.print(lines or f"nothing to create: {AGREES}")


@topics.command()
def check(as_json: Json = False) -> None:
    """Compare the cluster's topics with the table. Exit code 1 if they differ."""
    from seedcast.kafka import Admin

    quiet_logs()
    admin = Admin(connected(store=False))
    admin.cluster_id()
    admin.require(CHECKER)
    problems = list(admin.problems())
    if as_json:
        emit({"agrees": not problems, "problems": problems})
    else:
        _print_problems(problems)
    raise typer.Exit(Exit.INCOMPLETE if problems else Exit.OK)


def _print_problems(problems: list[str]) -> None:
    for problem in problems:
        out.print(f"[red]differs[/] {escape(problem)}")
    if not problems:
        out.print(AGREES)


@topics.command("list")
def list_topics(as_json: Json = False) -> None:
    """List the table itself: names, keys, values, partitions, settings. Needs no broker."""
    settings, rows = load(), list[list[str]]()
    for topic in TOPICS:
        config = topic.config(settings.kafka.replication, settings.kafka.max_record_bytes)
        row: dict[str, object] = {
            "topic": settings.topic(topic),
            "key": topic.key,
            "value": topic.value,
            "partitions": topic.partitions(settings.kafka.partitions),
        }
        if as_json:
            emit({**row, "config": config})
        else:
            settings_cell = " ".join(f"{name}={value}" for name, value in config.items())
            rows.append([*map(str, row.values()), settings_cell])
    if not as_json:
        show(
            ["topic", "key", "value", "partitions", "settings"],
            rows,
            stacked_first=("settings", "value"),
        )
