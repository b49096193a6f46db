"""The rows of a staged list as the index takes them."""

from collections.abc import Iterator

import msgspec

from seedcast.schemas.messages import Campaign
from seedcast.storage.index.writer import ListRow
from seedcast.storage.objects import ObjectStore
from seedcast.storage.staged_lists import read_rows


class _Request(msgspec.Struct):
    """The part of a request that the index has."""

    metadata: dict[str, str] = {}


_requests = msgspec.json.Decoder(_Request)


def list_rows(store: ObjectStore, campaign: Campaign) -> Iterator[ListRow]:
    """Yield the accepted rows, in the list's order. Raises as `read_rows` does."""
    for staged in read_rows(store, campaign):
        own_id = _requests.decode(staged.value).metadata.get("id")
        yield ListRow(staged.row, staged.request_id, own_id)
