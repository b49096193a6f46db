"""The request ids of staged lists, for whoever needs them only if there are strays."""

from collections.abc import Callable, Iterator

from seedcast.schemas.messages import Campaign
from seedcast.settings import S3Settings


def late_ids_reader(settings: S3Settings) -> Callable[[Campaign], Iterator[str]]:
    """Return what reads a list's request ids, and loads pyarrow (half a second) when called."""

    def read(campaign: Campaign) -> Iterator[str]:
        from seedcast.storage.staged_lists import ids_reader

        return ids_reader(settings)(campaign)

    return read
