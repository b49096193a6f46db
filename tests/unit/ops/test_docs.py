"""The pages for readers say what is so: commands, options, links, folders and targets exist."""

import ast
import os
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from ops import reference
from ops.command_line import EVERYWHERE, commands
from seedcast import client
from seedcast.cli import app
from tests.builders import pages
from tests.builders.pages import DOCS, ROOT

PACKAGES = ("schemas", "seedcast", "storage", "producers", "gpu_consumers", "stream_apps")
# What is not ours, or not a page: no browser may ask for it when a page is read.
OUTSIDE = re.compile(r"^(https?:)?//")


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", pages.everything(), ids=names)


def problem(arguments: list[str]) -> str:
    """Parse a command line as `seedcast` does, run nothing, and return what is wrong with it."""
    command: Any = typer.main.get_command(app)
    rest = list(arguments)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    is_group = hasattr(command, "commands")
    if is_group and command.invoke_without_command and all(word[0] == "-" for word in rest[:1]):
        is_group = False  # it does something by itself
    if is_group:
        known = {"--help", *(name for option in command.params for name in option.opts)}
        return "" if rest and known.issuperset(rest) else "no such command"
    try:
        command.make_context("seedcast", rest)
    except typer.Exit:  # of --help
        return ""
    except Exception as error:  # typer's own copy of click has the class, and does not export it
        if not hasattr(error, "format_message"):
            raise
        return str(error.format_message())
    return ""


@every_page
def test_every_command_of_a_page_exists_with_its_options(page: Path) -> None:
    scripts = [b.text for b in pages.blocks(page.read_text()) if b.language in ("sh", "console")]
    found = [arguments for script in scripts for arguments in pages.commands(script)]
    wrong = {" ".join(arguments): problem(arguments) for arguments in found}
    assert not {command: why for command, why in wrong.items() if why}


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("seedcast sing", "no such command"),
        ("seedcast models", "no such command"),
        ("seedcast submit list.csv", "--campaign"),
        ("cat list | seedcast submit - --campain x", "--campain"),
        ("X=1 seedcast campaigns --jsn  # all", "--jsn"),
        ("seedcast campaigns sett july", "no such command"),
        ("seedcast campaigns set july --wait", "--wait"),
        ("seedcast down && seedcast pause", "CAMPAIGN"),
        ("seedcast say hello; seedcast dead-letters show \\\n  first", "offset"),
    ],
)
def test_a_wrong_command_is_found(script: str, why: str) -> None:
    *_, last = pages.commands(script)
    assert why in problem(last)


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    for link in pages.links(text):
        if link.startswith(("https://", "mailto:")):
            continue
        file, _, anchor = link.partition("#")
        target = Path(os.path.normpath(page.parent / file)) if file else page
        assert target.exists(), link
        if DOCS in page.parents:
            assert DOCS in target.parents, f"{link}: the site has no such file"
        if anchor:
            assert anchor in pages.anchors(target.read_text()), link


@every_page
def test_no_page_asks_another_host_for_what_it_shows(page: Path) -> None:
    text = page.read_text()
    pictures = re.findall(r"!\[[^\]]*\]\(([^)\s]+)", text)
    pictures += re.findall(r"<(?:img|script|iframe|link)[^>]*(?:src|href)=[\"']([^\"']+)", text)
    assert not [picture for picture in pictures if OUTSIDE.match(picture)]
    # The theme fetches the library that draws these from another host.
    assert "mermaid" not in {block.language for block in pages.blocks(text)}


def test_every_page_of_the_site_is_in_its_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    named = set(re.findall(r": ([\w/-]+\.md)$", navigation, re.MULTILINE))
    assert named == {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}


def test_the_readme_is_short_and_honest_at_once() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(readme.encode()) <= 8192
    first = " ".join(readme.splitlines()[:10])
    for fact in ("espeak", "robot", "not for commercial use", "a GPU", "real weights"):
        assert fact in first


def test_the_example_of_the_readme_is_that_of_the_client() -> None:
    (example,) = (
        block.text
        for block in pages.blocks((ROOT / "README.md").read_text())
        if block.language == "python"
    )
    drawn = "".join(f"    {line}\n" if line else "\n" for line in example.splitlines())
    assert drawn in (client.__doc__ or "")


def test_the_readme_names_the_versions_of_python_that_can_install_it() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    least, below = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', project).groups()  # type: ignore[union-attr]
    versions = f"Python 3.{least} to 3.{int(below) - 1}"
    said = versions if int(below) - int(least) > 1 else f"Python 3.{least}"
    assert said in (ROOT / "README.md").read_text()


def test_the_architecture_names_the_folders_that_exist() -> None:
    page = (DOCS / "architecture.md").read_text()
    named = set(re.findall(r"^\| `([\w/]+)/` \|", page, re.MULTILINE))
    assert all((ROOT / folder).is_dir() for folder in named)
    packages = {
        names(file.parent)
        for package in PACKAGES
        for file in (ROOT / package).rglob("__init__.py")
        if not any(parent.is_symlink() for parent in file.parents)
    }
    assert len(packages) > 20
    assert packages <= named
    files = re.findall(r"`(\w+/[\w/]+\.py)`", page)
    assert files
    assert all((ROOT / file).is_file() for file in files)


def test_every_module_says_in_its_first_line_what_it_is() -> None:
    modules = [
        file
        for folder in (*PACKAGES, "ops", "benchmarks", "examples", "tests/builders")
        for file in (ROOT / folder).rglob("*.py")
        if not any(parent.is_symlink() for parent in file.parents)
    ]
    assert len(modules) > 200
    silent = {
        names(file)
        for file in modules
        if file.name != "__init__.py" and not ast.get_docstring(ast.parse(file.read_text()))
    }
    assert not silent


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in pages.everything():
        asked = set(re.findall(r"(?:`|^ {4}|^)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))
        assert asked <= targets, names(page)


def test_every_generator_has_its_marker_and_every_marker_its_generator(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    first, *others = reference.GENERATORS
    marker = "<!-- generated: {} -->\nold\n<!-- end -->\n"
    page.write_text("".join(map(marker.format, reference.GENERATORS)) + "by hand\n")
    (filled,) = reference.pages(tmp_path).values()
    assert "old" not in filled.splitlines()
    assert filled.endswith("<!-- end -->\nby hand\n")
    assert reference.fill(filled) == filled

    page.write_text("".join(map(marker.format, others)))
    with pytest.raises(KeyError, match=first):
        reference.pages(tmp_path)
    page.write_text("".join(map(marker.format, [first, *others, "sun"])))
    with pytest.raises(KeyError, match="sun"):
        reference.pages(tmp_path)


def test_the_command_line_reference_has_every_command_and_option() -> None:
    page = (DOCS / "reference/command-line.md").read_text()
    sections = dict(
        zip(
            *[iter(re.split(r"^## seedcast (.+)\n", page, flags=re.MULTILINE)[1:])] * 2, strict=True
        )
    )
    assert sections.keys() == commands().keys()
    start = page.split("<!-- generated: commands -->")[0]  # names once what every command takes
    for path, command in commands().items():
        for option in command.params:
            place = start if option.name in EVERYWHERE else sections[path]
            assert all(f"`{name}`" in place for name in option.opts if name[0] == "-")
            assert option.help, f"{path} {option.name} has no help"
