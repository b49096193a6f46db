"""The pages for readers: their fenced blocks, the commands in them, their links and headings."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
RUN = "<!-- run -->"  # on the line before a block: a test runs it

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+) *(?P<language>[\w-]*)[^\n]*\n"
    r"(?P<text>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"(?<!`)\[[^\]\[]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    run: bool  # the line before it is RUN


def everything() -> list[Path]:
    """Return every page: the site's, and those in the repository's root."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page, in order."""
    for found in _FENCE.finditer(page):
        before = page[: found.start()].rstrip().rpartition("\n")[2].strip()
        text = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        yield Block(found["language"], text, before == RUN)


def commands(script: str) -> Iterator[list[str]]:
    """Yield the arguments of every `seedcast …` of a shell script, pipelines and lists apart."""
    for line in script.replace("\\\n", " ").splitlines():
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        command: list[str] = []
        for word in [*reader, ";"]:
            if not set(word) <= set("();<>|&"):
                command.append(word)
                continue
            while command and re.fullmatch(r"\w+=.*", command[0], re.DOTALL):
                command.pop(0)
            if command and command[0] == "seedcast":
                yield command[1:]
            command = []


def links(page: str) -> list[str]:
    """Return the targets of a page's links and pictures, those in blocks left out."""
    return _LINK.findall(_FENCE.sub("", page))


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as mkdocs and GitHub make them."""
    headings = _HEADING.findall(_FENCE.sub("", page))
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", h.lower()).strip()) for h in headings}
