"""The generated parts of the pages of docs/, between their `generated` markers.

A page is prose and marked parts. The prose is written by hand; a marked part is replaced.
"""

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ops import (
    accounts_schema,
    command_line,
    exported_list,
    index_schema,
    list_outputs,
    policies,
    staged_list,
    texts,
    wire,
)
from ops.markdown import code_block, table
from seedcast import errors, metrics, settings
from seedcast.catalog import profiles as catalog
from seedcast.cli.exit_codes import Exit
from seedcast.schemas import messages
from seedcast.schemas.rights import ROLES
from seedcast.schemas.topics import GROUPS, TOPICS, Topic
from seedcast.settings import PostprocessSettings

MARKED = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
COMMENTED = re.compile(r'^ +"?(\w+)"?(?: = (\d+)|,)(?:  # (.+))?$', re.MULTILINE)


def pages(docs: Path) -> dict[Path, str]:
    """Return every page with a marked part, with each of these generated again.

    Raises KeyError if a marker names no generator, or if a generator has no marker.
    """
    marked = {page: page.read_text() for page in sorted(docs.rglob("*.md"))}
    named = {name for text in marked.values() for _, name, _ in MARKED.findall(text)}
    if missing := GENERATORS.keys() - named:
        raise KeyError(f"no page has a marker for: {', '.join(sorted(missing))}")
    return {page: fill(text) for page, text in marked.items() if MARKED.search(text)}


def fill(text: str) -> str:
    """Return the text with its marked parts generated again."""
    return MARKED.sub(lambda match: f"{match[1]}\n{GENERATORS[match[2]]()}\n\n{match[3]}", text)


def topics() -> str:
    rows = (
        (f"`seedcast.{topic.name}`", topic.key, topic.value, topic.what, _topic_settings(topic))
        for topic in TOPICS
    )
    return table(("topic", "key", "value", "what", "settings"), rows)


def groups() -> str:
    rows = (
        (f"`seedcast.{group.name}`", ", ".join(f"`seedcast.{t.name}`" for t in group.topics))
        for group in GROUPS
    )
    return table(("consumer group", "reads"), rows)


def rights_table() -> str:
    """Return one row per role: its least rights on topics, on groups and on the object store."""
    rows = (
        (
            role.name,
            role.who,
            _granted((topic.name, each) for topic, each in role.topics.items()),
            _granted(role.groups.items()),
            "<br>".join(f"`{right}`" for right in role.objects),
        )
        for role in ROLES
    )
    return table(("role", "of", "on topics", "on groups", "on S3"), rows)


def _granted(operations: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """Return each kind of right once, with the names that it is on."""
    names: dict[str, list[str]] = {}
    for name, each in operations:
        names.setdefault(", ".join(each), []).append(f"`{name}`")
    return "<br>".join(f"{each}: {' '.join(on)}" for each, on in names.items())


def settings_tables() -> str:
    """Return one table per section of the settings, in their order."""
    sections: dict[str, list[tuple[str, str, str]]] = {}
    for variable, field, default, what in settings.table():
        section, dot, _ = field.partition(".")
        row = (f"`{variable}`", f"`{default}`" if default else "", what)
        sections.setdefault(section if dot else "general", []).append(row)
    head = ("variable", "default", "meaning")
    return "\n\n".join(f"## {name}\n\n{table(head, rows)}" for name, rows in sections.items())


def metrics_table() -> str:
    rows = ((f"`{name}`", kind, labels, what) for name, kind, labels, what in metrics.table())
    return table(("metric", "type", "labels", "meaning"), rows)


def profiles() -> str:
    from seedcast.cli.profiles import COLUMNS, cells

    rows = map(cells, catalog.load(PostprocessSettings()).values())
    return table(COLUMNS, ((f"`{name}`", *rest) for name, *rest in rows))


def errors_tree() -> str:
    """Return the tree that the docstring of seedcast.errors draws."""
    drawing = (errors.__doc__ or "").split("\n\n")[1]
    return code_block(line.removeprefix("    ") for line in drawing.splitlines())


def error_codes() -> str:
    """Return the codes of failed results, with the comments beside them in the schema.

    A code without a comment is its own explanation.
    """
    source = inspect.getsource(messages).split("ErrorCode = Literal[")[1].split("\n]")[0]
    rows = (
        (f"`{name}`", what or name.replace("_", " ")) for name, _, what in COMMENTED.findall(source)
    )
    return table(("code", "meaning"), rows)


def exit_codes() -> str:
    """Return the exit codes of the commands, with the comments beside them in the code."""
    rows = ((code, what) for _, code, what in COMMENTED.findall(inspect.getsource(Exit)))
    return table(("exit code", "meaning"), rows)


def messages_table() -> str:
    rows = (
        (
            f"[`{name}`](../schemas/{name}.json)",
            wire.content_type(name),
            ", ".join(f"`seedcast.{topic.name}`" for topic in TOPICS if name in topic.value),
        )
        for name in wire.MESSAGES
    )
    return table(("message", "encoding", "topics"), rows)


def _topic_settings(topic: Topic) -> str:
    return " ".join(f"`{name}={value}`" for name, value in topic.config().items())


GENERATORS: dict[str, Callable[[], str]] = {
    "commands": command_line.overview,
    "command-details": command_line.details,
    "topics": topics,
    "groups": groups,
    "rights": rights_table,
    "readers-policy": policies.readers_policy,
    "messages": messages_table,
    "exported-list": exported_list.columns,
    "staged-list": staged_list.columns,
    "index-tables": index_schema.tables,
    "index-grants": index_schema.grants,
    "accounts-grants": accounts_schema.grants,
    "list-outputs": list_outputs.columns,
    "settings": settings_tables,
    "metrics": metrics_table,
    "profiles": profiles,
    "errors": errors_tree,
    "error-codes": error_codes,
    "exit-codes": exit_codes,
    "readings": texts.readings,
    "formats": texts.formats,
    "format-details": texts.details,
}
