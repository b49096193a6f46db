"""Groups the rows of a list into batches that are small enough for memory."""

from collections.abc import Iterator, Mapping

from seedcast.producers.rows.rows import BadRow
from seedcast.producers.staging.run import Given
from seedcast.schemas.messages import SpeechRequest
from seedcast.storage.staged_lists import StagedRow

BATCH = 2048  # rows between two looks at the ids so far
BATCH_SIZE = 16_000_000  # characters of them


def batches(rows: Iterator[Given]) -> Iterator[list[Given]]:
    """Yield the rows in batches of at most BATCH, and of about BATCH_SIZE characters."""
    batch, size = list[Given](), 0
    for given in rows:
        batch.append(given)
        size += _size(given.line if isinstance(given, BadRow) else given[1])
        if len(batch) == BATCH or size > BATCH_SIZE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(value: object) -> int:
    """Return about how many characters a value holds."""
    if isinstance(value, Mapping):
        try:
            return sum(map(str.__len__, value.values()))  # most rows are texts: a hot path
        except TypeError:
            return sum(map(_size, value.values()))
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, SpeechRequest):
        return len(value.text)
    if isinstance(value, StagedRow):
        return len(value.value)
    return sum(map(_size, value)) if isinstance(value, list | tuple) else 1
