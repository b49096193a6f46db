"""The columns that a list came with, beside its requests, from where it is staged."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Campaign
from seedcast.storage.export.columns import COLUMNS, Column, Line
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import read_sources, staged_of

if TYPE_CHECKING:
    from seedcast.storage.index.indexed import IndexedCampaign, IndexedRequest

_object = msgspec.json.Decoder(dict[str, Any])


class OwnColumns:
    """Reads the list twice: for its names, since rows of JSON may have different ones, and its
    values."""

    def __init__(self, store: ObjectStore, campaign: Campaign) -> None:
        """Raises InvalidInput if there is no staged list, and as `read_rows` does."""
        self._store, self._campaign = store, campaign
        self._names = list(_names(store, campaign))
        self.columns = tuple(Column(name) for name in distinct(self._names))

    def beside(
        self, requests: Iterable["IndexedRequest"]
    ) -> Iterator[tuple["IndexedRequest", Line]]:
        """Yield each request with the values of its row. Requests come in the list's order."""
        sources = read_sources(self._store, self._campaign)
        row, source = 0, None
        for request in requests:
            while request.row is not None and row < request.row:
                row, source = next(sources, (2**63, None))
            values = _values(source) if row == request.row else {}
            yield request, [values.get(name) for name in self._names]


def require_list(found: "IndexedCampaign") -> Campaign:
    """Return the campaign's record. Raises InvalidInput if it has no staged list."""
    if found.campaign is None:
        raise InvalidInput(
            f"campaign {found.campaign_id}",
            expected="one whose list was staged",
            got="one that only results name",
        )
    staged_of(found.campaign)
    return found.campaign


def distinct(names: Iterable[str]) -> Iterator[str]:
    """Yield the names as columns beside ours: `list.id` where one is ours, or is taken.

    Not every program tells `Id` from `id`.
    """
    taken = {column.name for column in COLUMNS}
    for name in names:
        while name.casefold() in taken:
            name = f"list.{name}"
        taken.add(name.casefold())
        yield name


def _names(store: ObjectStore, campaign: Campaign) -> Iterator[str]:
    found = dict[str, None]()
    for _, source in read_sources(store, campaign):
        found |= dict.fromkeys(_values(source))
    return iter(found)


def _values(source: bytes | None) -> dict[str, Any]:
    return _object.decode(source) if source else {}
