"""Markdown that generated documents are made of: tables and code blocks."""

from collections.abc import Iterable


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    body = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def code_block(lines: Iterable[str]) -> str:
    return "\n".join(["```text", *lines, "```"])
