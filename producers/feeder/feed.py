"""One list that is being fed: where it is, and the rows that come next."""

from collections.abc import Iterator
from itertools import islice

from seedcast.schemas.messages import Campaign
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import StagedRow, read_rows, staged_of


class Feed:
    def __init__(self, store: ObjectStore, campaign: Campaign, fed: int) -> None:
        """`fed`: rows, from the first, that are fed."""
        self._store, self.campaign, self.fed = store, campaign, fed
        staged = staged_of(campaign)
        self.staging, self.spread = staged.staging, staged.spread
        self._total = sum(part.rows for part in staged.parts)
        self._rows: Iterator[StagedRow] | None = None
        self.has_moved = False  # since it was made

    @property
    def left(self) -> int:
        return max(0, self._total - self.fed)

    def next_rows(self, most: int) -> list[StagedRow]:
        """Return the rows after those that were returned. Raises ListDamaged, StoreUnavailable.

        After an error, or `rewind`, begin again after those that are fed.
        """
        rows, self._rows = self._rows or read_rows(self._store, self.campaign, self.fed), None
        chunk = list(islice(rows, most))
        self._rows = rows
        return chunk

    def advance(self, rows: int) -> None:
        """Count rows as fed."""
        self.fed += rows
        self.has_moved = True
        if not self.left:
            self._rows = None  # and with it the part in memory

    def rewind(self) -> None:
        """Begin again after the last row that is fed."""
        self._rows = None
