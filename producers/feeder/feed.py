"""One list that is being fed: where it is, and the rows that come next."""

from collections.abc import Iterator

from seedcast.schemas.messages import Campaign
from seedcast.schemas.topics import MIB
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import StagedRow, read_rows, staged_of

CHUNK = 2000  # rows that are sent at once, at most
CHUNK_BYTES = 16 * MIB  # of them; the producer's queue takes 64 MiB, and then blocks


class Feed:
    def __init__(self, store: ObjectStore, campaign: Campaign, fed: int) -> None:
        """`fed`: rows, from the first, that are fed."""
        self._store, self.campaign, self.fed = store, campaign, fed
        staged = staged_of(campaign)
        self.staging, self.spread = staged.staging, staged.spread
        self._total = sum(part.rows for part in staged.parts)
        self._rows: Iterator[StagedRow] | None = None
        self._chunk = 0  # rows of the chunk that is under way
        self._unsent: list[StagedRow] = []  # of them: those that no broker has acknowledged
        self.held: str | None = None  # why the rest cannot be fed
        self.retry_at = 0.0  # seconds of the monotonic clock

    @property
    def left(self) -> int:
        return max(0, self._total - self.fed)

    def next_rows(self) -> list[StagedRow]:
        """Return the next chunk, or what is left of the last one.

        Raises ListDamaged, StoreUnavailable; after an error, the call can be repeated.
        """
        if not self._unsent:
            self._unsent = self._read()
            self._chunk = len(self._unsent)
        return self._unsent

    def settle(self, unsent: list[StagedRow]) -> None:
        """Count the chunk as fed, but for rows that are still to be sent."""
        self._unsent = unsent
        if not unsent:
            self.fed += self._chunk
        if not self.left:
            self.close()

    def close(self) -> None:
        """Free the part in memory until it is needed again."""
        self._rows = None

    def _read(self) -> list[StagedRow]:
        # A generator that has raised is at its end for good: forget it first.
        rows, self._rows = self._rows or read_rows(self._store, self.campaign, self.fed), None
        chunk, size = list[StagedRow](), 0
        for row in rows:
            chunk.append(row)
            size += len(row.value)
            if len(chunk) == CHUNK or size > CHUNK_BYTES:
                break
        self._rows = rows
        return chunk
