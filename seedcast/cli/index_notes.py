"""What a command says of the index: on stderr, a line for a person."""

from seedcast.cli.base import err


def note(line: str) -> None:
    err.print(line, style="dim", markup=False)
