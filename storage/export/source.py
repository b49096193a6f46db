"""Where the lines of a campaign's export come from."""

from seedcast.storage.export.export import Source, requests_of
from seedcast.storage.export.own_columns import OwnColumns, require_list
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.reader import Index
from seedcast.storage.objects import ObjectStore


def source_of(
    index: Index, found: IndexedCampaign, asked: frozenset[str], store: ObjectStore | None
) -> Source:
    """Return the campaign's requests; with a store, and the list's own columns beside them.

    `asked`: of columns.ASKED; empty: all rows. With a store it reads the list once, for its names,
    and raises as OwnColumns does.
    """
    progress = found.progress
    return Source(
        read=lambda: requests_of(index, found.campaign_id, asked),
        most=max(progress.accepted or 0, progress.finished) + progress.strays,
        own=OwnColumns(store, require_list(found)) if store else None,
    )
