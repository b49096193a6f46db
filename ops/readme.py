"""The generated parts of the README, between its `generated` markers: tables and the tree."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import typer

from seedcast import errors, metrics, settings
from seedcast.catalog import profiles
from seedcast.schemas.topics import TOPICS, Topic
from seedcast.settings import PostprocessSettings

MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
ROOMS = (
    "schemas",
    "seedcast",
    "storage",
    "producers",
    "gpu_consumers",
    "stream_apps",
    "ops",
    "benchmarks",
    "examples",
    "tests",
)


def fill(page: str, root: Path) -> str:
    """Return the page with every marked part generated again.

    Raises KeyError if a marker names no generator, or if a generator has no marker.
    """
    parts = {name: make(root) for name, make in GENERATORS.items()}
    if missing := parts.keys() - {name for _, name, _ in MARKED.findall(page)}:
        raise KeyError(f"README.md has no marker for: {', '.join(sorted(missing))}")
    return MARKED.sub(lambda match: f"{match[1]}{parts[match[2]]}\n{match[3]}", page)


def tree(root: Path) -> str:
    """Return one line per file: its path and the first line of its own description."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOMS],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    files = sorted(
        name
        for name in set(listed.stdout.split())
        if name.endswith((".py", ".toml", ".csv", ".yaml")) and (root / name).exists()
    )
    described = [(name, line) for name in files if (line := _first_line(root / name))]
    width = max(len(name) for name, _ in described)
    return _code_block(f"{name:<{width}}  {line}" for name, line in described)


def commands(_: Path) -> str:
    import seedcast.cli  # noqa: F401  (registers the commands)
    from seedcast.cli.base import app

    rows = ((f"`{name}`", what) for name, what in _commands(typer.main.get_command(app), ""))
    return _table(("command", "what it does"), rows)


def topics(_: Path) -> str:
    rows = (
        (f"`seedcast.{topic.name}`", topic.key, topic.value, topic.what, _topic_settings(topic))
        for topic in TOPICS
    )
    return _table(("topic", "key", "value", "what", "settings"), rows)


def _topic_settings(topic: Topic) -> str:
    return " ".join(f"`{name}={value}`" for name, value in topic.config().items())


def settings_table(_: Path) -> str:
    rows = (
        (f"`{variable}`", f"`{default}`" if default else "", what)
        for variable, _, default, what in settings.table()
    )
    return _table(("variable", "default", "meaning"), rows)


def metrics_table(_: Path) -> str:
    rows = ((f"`{name}`", kind, labels, what) for name, kind, labels, what in metrics.table())
    return _table(("metric", "type", "labels", "meaning"), rows)


def profiles_table(_: Path) -> str:
    from seedcast.cli.profiles import COLUMNS, cells

    rows = map(cells, profiles.load(PostprocessSettings()).values())
    return _table(COLUMNS, ((f"`{name}`", *rest) for name, *rest in rows))


def errors_tree(_: Path) -> str:
    """Return the tree that the docstring of seedcast.errors draws."""
    drawing = (errors.__doc__ or "").split("\n\n")[1]
    return _code_block(line.removeprefix("    ") for line in drawing.splitlines())


GENERATORS: dict[str, Callable[[Path], str]] = {
    "tree": tree,
    "commands": commands,
    "topics": topics,
    "settings": settings_table,
    "metrics": metrics_table,
    "profiles": profiles_table,
    "errors": errors_tree,
}


def _commands(command: object, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the first line of the help of each command below this one."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, str(getattr(command, "help", "") or "").split("\n")[0]
        return
    for name, child in children.items():
        yield from _commands(child, f"{path} {name}".strip())


def _first_line(file: Path) -> str:
    if file.suffix == ".py":
        return (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0]
    first = file.read_text().split("\n", 1)[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _code_block(lines: Iterable[str]) -> str:
    return "\n".join(["```", *lines, "```"])


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    body = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
