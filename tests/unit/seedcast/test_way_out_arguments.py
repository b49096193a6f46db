"""What `export` and `fetch` refuse before they ask a server."""

import pytest
import typer

from seedcast.cli import app
from seedcast.errors import InvalidInput


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fetch", "night"], "CAMPAIGN DIR for all audio of a campaign, or ID -o FILE"),
        (["fetch", "night", "folder", "-o", "file"], "both DIR and -o"),
        (["fetch", "night", "folder", "--campaign", "x"], "no --campaign with DIR"),
        (["fetch", "id", "-o", "file", "--name", "{row}"], "no --name with -o"),
        (["fetch", "night", "folder", "--name", "../{id}"], "a name in the folder"),
        (["export", "night", "-o", "list.pdf"], "csv or xlsx or parquet or jsonl"),
        (["export", "night", "-o", "-", "--format", "xlsx"], "csv or jsonl"),
        (["export", "night", "-o", "-", "--json"], "expected a file with --json"),
        (["export", "night", "-o", "list.csv", "--status", "done"], "one of succeeded, failed"),
        (["export", "night", "-o", "list.csv", "--urls", "soon"], "--urls"),
        (["export", "night", "-o", "list.csv", "--urls", "8d"], "1 second to 7 days"),
    ],
)
def test_what_cannot_be_meant_is_refused_without_servers(arguments: list[str], said: str) -> None:
    with pytest.raises((InvalidInput, typer.BadParameter)) as raised:
        app(arguments, standalone_mode=False)
    assert said in str(raised.value)
