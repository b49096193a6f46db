"""`topics`: from the table in schemas/topics.py."""

import typer
from rich.table import Table

from schemas.topics import TOPICS
from seedcast.cli.base import Exit, Json, app, connected, emit, out, quiet_logs
from seedcast.settings import load

topics = typer.Typer(no_args_is_help=True, help="Create, check and list the topics.")
app.add_typer(topics, name="topics", rich_help_panel="Operations")


@topics.command()
def create() -> None:
    """Create what is missing, and check the rest. Exit code 3 where a topic contradicts the table."""
    from seedcast.kafka import Admin

    quiet_logs()
    admin = Admin(connected())
    admin.cluster_id()
    created = admin.ensure_topics()
    out.print(
        "\n".join(f"created {name}" for name in created)
        or "nothing to create: every topic is there and agrees with the table"
    )


@topics.command()
def check() -> None:
    """Compare the cluster's topics with the table. Exit code 1 where they differ."""
    from seedcast.kafka import Admin

    quiet_logs()
    admin = Admin(connected())
    admin.cluster_id()
    problems = list(admin.problems())
    for problem in problems:
        out.print(f"[red]differs[/] {problem}")
    if problems:
        raise typer.Exit(Exit.INCOMPLETE)
    out.print("every topic is there and agrees with the table")


@topics.command("list")
def list_topics(as_json: Json = False) -> None:
    """The table itself: names, keys, values, partitions, settings. Needs no broker."""
    settings = load()
    table = Table(box=None, pad_edge=False)
    for column in ("topic", "key", "value", "partitions", "settings"):
        table.add_column(column)
    for topic in TOPICS:
        name, partitions, config = (
            settings.topic(topic),
            topic.partitions(settings.kafka.partitions),
            topic.config(settings.kafka.replication),
        )
        if as_json:
            emit(
                {
                    "topic": name,
                    "key": topic.key,
                    "value": topic.value,
                    "partitions": partitions,
                    "config": config,
                }
            )
        table.add_row(
            name,
            topic.key,
            topic.value,
            str(partitions),
            " ".join(f"{k}={v}" for k, v in config.items()),
        )
    if not as_json:
        out.print(table)
