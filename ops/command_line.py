"""The reference of the command line: every command with its arguments and options, from typer."""

import re
from collections.abc import Iterator
from typing import Any

import typer

import seedcast.cli  # noqa: F401  (registers the commands)
from ops.markdown import code_block, table
from seedcast.cli.base import app

EVERYWHERE = ("quiet", "verbose")  # options of every command, which the page names once


def commands() -> dict[str, Any]:
    """Return every command by its path, such as `models pull`, in the order of `--help`."""
    return dict(_commands(typer.main.get_command(app), ""))


def overview() -> str:
    """Return a table of all commands, each with the first line of its help."""
    rows = (
        (f"[`{path}`](#seedcast-{path.replace(' ', '-')})", _plain(command.help).split("\n")[0])
        for path, command in commands().items()
    )
    return table(("command", "what it does"), rows)


def details() -> str:
    """Return a section per command: usage, help, arguments and options."""
    return "\n\n".join(_section(path, command) for path, command in commands().items())


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    if command.invoke_without_command:
        yield path, command
    for name, child in children.items():
        yield from _commands(child, f"{path} {name}".strip())


def _section(path: str, command: Any) -> str:
    shown = sorted(
        (p for p in command.params if not p.hidden and p.name not in EVERYWHERE),
        key=lambda parameter: parameter.rich_help_panel or "",  # the style comes last
    )
    parts = [f"## seedcast {path}", code_block([_usage(path, shown)]), _sentences(command.help)]
    if shown:
        rows = [(_names(parameter), _type(parameter), _meaning(parameter)) for parameter in shown]
        parts.append(table(("argument or option", "value", "meaning"), rows))
    return "\n\n".join(parts)


def _usage(path: str, parameters: list[Any]) -> str:
    """Return the shortest complete call: the required parameters, and a word for the others."""
    words = ["seedcast", path]
    for parameter in parameters:
        value = parameter.name.upper().rstrip("_")
        if parameter.param_type_name == "argument":
            words.append(value if parameter.required else f"[{value}]")
        elif parameter.required:
            words.append(f"{parameter.opts[-1]} {parameter.metavar or value}")
    if any(p.param_type_name != "argument" and not p.required for p in parameters):
        words.append("[OPTIONS]")
    return " ".join(words)


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _type(parameter: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    kind = _KINDS.get(parameter.type_descriptor.annotation, "text")
    least, most = parameter.min, parameter.max
    if least is not None and most is not None:
        return f"{kind}, {least:g} to {most:g}"
    return f"{kind}, {least:g} or more" if least is not None else kind


_KINDS = {int: "integer", float: "number"}


def _meaning(parameter: Any) -> str:
    notes = ["required"] if parameter.required else []
    if parameter.show_default is True and parameter.default not in (None, False):
        notes.append(f"default: {parameter.default}")
    text = _plain(parameter.help)
    return f"{text} [{'; '.join(notes)}]" if notes else text


def _sentences(text: str | None) -> str:
    """Return the help as Markdown; a line that ends with a sentence ends a paragraph."""
    return re.sub(r"(?<=[.:])\n(?!\n)", "\n\n", _plain(text))


def _plain(text: str | None) -> str:
    """Return a help text without rich's escapes, and safe for Markdown outside of code."""
    return (text or "").replace(r"\[", "[").replace("<", "&lt;").replace("*", r"\*")
