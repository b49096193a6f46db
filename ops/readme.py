"""The generated parts of the README: tables and the tree, between `generated` markers."""

import ast
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import typer

from schemas.topics import TOPICS
from seedcast import errors, metrics, settings
from seedcast.catalog import profiles
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
    """The page with every marked part written anew. Raises KeyError where a marker names no generator, or a generator has no marker."""
    parts = {name: make(root) for name, make in GENERATORS.items()}
    if missing := parts.keys() - {name for _, name, _ in MARKED.findall(page)}:
        raise KeyError(f"README.md has no marker for: {', '.join(sorted(missing))}")
    return MARKED.sub(lambda found: f"{found[1]}{parts[found[2]]}\n{found[3]}", page)


def tree(root: Path) -> str:
    """One line a file: its path and the first line of what it says of itself."""
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
    described = [(name, _first_line(root / name)) for name in files]
    width = max(len(name) for name, what in described if what)
    return (
        "```\n"
        + "\n".join(f"{name:<{width}}  {what}" for name, what in described if what)
        + "\n```"
    )


def commands(_: Path) -> str:
    import seedcast.cli  # noqa: F401  (registers the commands)
    from seedcast.cli.base import app

    return _table(
        ("command", "what it does"),
        ((f"`{name}`", what) for name, what in _commands(typer.main.get_command(app), "")),
    )


def topics(_: Path) -> str:
    rows = (
        (
            f"`seedcast.{t.name}`",
            t.key,
            t.value,
            t.what,
            " ".join(f"`{k}={v}`" for k, v in t.config().items()),
        )
        for t in TOPICS
    )
    return _table(("topic", "key", "value", "what", "settings"), rows)


def settings_table(_: Path) -> str:
    return _table(
        ("variable", "default", "meaning"),
        (
            (f"`{variable}`", f"`{default}`" if default else "", what)
            for variable, _, default, what in settings.table()
        ),
    )


def metrics_table(_: Path) -> str:
    return _table(
        ("metric", "type", "labels", "meaning"),
        ((f"`{name}`", kind, labels, what) for name, kind, labels, what in metrics.table()),
    )


def profiles_table(_: Path) -> str:
    from seedcast.cli.profiles import COLUMNS, cells

    rows = map(cells, profiles.load(PostprocessSettings()).values())
    return _table(COLUMNS, ((f"`{name}`", *rest) for name, *rest in rows))


def errors_tree(_: Path) -> str:
    """The tree as its docstring draws it."""
    drawing = (errors.__doc__ or "").split("\n\n")[1]
    return "```\n" + "\n".join(line.removeprefix("    ") for line in drawing.splitlines()) + "\n```"


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


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    titles = list(head)
    return "\n".join(f"| {' | '.join(line)} |" for line in [titles, ["---"] * len(titles), *lines])
