"""Batches are small enough for memory, whatever the rows hold."""

import pytest

from seedcast.errors import InvalidRow
from seedcast.producers.rows.rows import BadRow
from seedcast.producers.staging import batches as module
from seedcast.producers.staging.batches import BATCH, batches
from seedcast.producers.staging.run import Given
from seedcast.storage.campaign_rows import as_row
from tests.builders.requests import a_request

LONG = "x" * 400
BAD = BadRow(InvalidRow(1, "", expected="2 columns", got="1"), LONG)


def test_short_rows_come_in_batches_of_a_fixed_number() -> None:
    rows: list[Given] = [(number, {"text": "Hi."}) for number in range(2 * BATCH + 1)]
    found = list(batches(iter(rows)))
    assert [len(batch) for batch in found] == [BATCH, BATCH, 1]
    assert [row for batch in found for row in batch] == rows


@pytest.mark.parametrize(
    "row",
    [
        (1, {"text": LONG, "tags": ["y"]}),
        (1, {"deep": {"below": [b"z" * 400]}}),
        (1, a_request(text=LONG)),
        (1, as_row(a_request(text="x" * 200))),
        BAD,
    ],
    ids=["text", "nested", "request", "staged", "unreadable"],
)
def test_large_rows_come_in_smaller_batches(row: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE", 1000)
    assert [len(batch) for batch in batches(iter([row] * 7))] == [3, 3, 1]


def test_an_empty_list_has_no_batch() -> None:
    assert list(batches(iter(()))) == []
