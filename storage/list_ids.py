"""The request ids of staged lists, for whoever needs them only if there are strays."""

from collections.abc import Callable, Iterator

from seedcast.schemas.messages import Campaign
from seedcast.settings import S3Settings


def ids_reader(settings: S3Settings) -> Callable[[Campaign], Iterator[str]]:
    """Return what reads a list's request ids.

    When it is called it connects to the store, and loads pyarrow (half a second).
    """

    def read(campaign: Campaign) -> Iterator[str]:
        from seedcast.storage.s3 import S3Store
        from seedcast.storage.staged_lists import read_ids

        return (request_id for _, request_id in read_ids(S3Store(settings), campaign))

    return read
