"""A row in its staged list: few parts are read, since they are in the order of their rows."""

from collections.abc import Iterator

import msgspec

from seedcast.errors import MissingObject
from seedcast.schemas.messages import Campaign
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import (
    REJECTED,
    StagedRow,
    folder,
    read_part_ids,
    read_rows,
    staged_of,
)


class Rejection(msgspec.Struct):
    """The beginning of a line of the rejected rows."""

    row: int
    field: str
    expected: str
    came: msgspec.Raw = msgspec.Raw(b"null")

    def has_id(self, own_id: str) -> bool:
        """Return True if a column of the row is this id: which one is the id's is not kept."""
        try:
            came = msgspec.json.decode(self.came, type=dict[str, object])
        except msgspec.DecodeError:
            return False
        return own_id in map(str, came.values())


_rejection = msgspec.json.Decoder(Rejection)


def find_row(store: ObjectStore, campaign: Campaign, row: int) -> tuple[int, StagedRow] | None:
    """Return how many rows are before it, and the row. Raises as `read_rows` does."""
    parts = staged_of(campaign).parts
    low, high = 0, len(parts) - 1
    while low < high:
        middle = (low + high) // 2
        *_, (last, _) = read_part_ids(store, campaign, middle)
        low, high = (low, middle) if last >= row else (middle + 1, high)
    before = sum(part.rows for part in parts[:low])
    for position, staged in enumerate(read_rows(store, campaign, before), before):
        if staged.row >= row:
            return (position, staged) if staged.row == row else None
    return None


def find_rejection(store: ObjectStore, campaign: Campaign, wanted: str) -> Rejection | None:
    """Return why a row was rejected, by its number or its own id."""
    for rejection in _rejections(store, campaign):
        if str(rejection.row) == wanted or rejection.has_id(wanted):
            return rejection
    return None


def _rejections(store: ObjectStore, campaign: Campaign) -> Iterator[Rejection]:
    staged = campaign.staged
    if staged is None or not staged.rejected:
        return
    try:
        lines = store.get(store.uri(folder(campaign.campaign_id, staged.staging) + REJECTED))
    except MissingObject:
        return
    yield from map(_rejection.decode, lines.splitlines())
