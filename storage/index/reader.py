"""What the index answers. Every question is one short transaction, or a row of them."""

from collections.abc import Collection, Iterator

from seedcast.schemas.messages import ErrorCode, Status
from seedcast.settings import Settings
from seedcast.storage.index.database import Database
from seedcast.storage.index.indexed import IndexedCampaign, IndexedRequest, Page


def open_index(settings: Settings) -> "Index | None":
    """Return the index; None if no URL is set, or no index is there yet.

    Pass settings that went through `embedded.connected`. Raises as `open_database` does.
    """
    raise NotImplementedError


class Index:
    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def campaigns(self) -> list[IndexedCampaign]:
        """Return all, the oldest first; last those that have no record."""
        raise NotImplementedError

    def campaign(self, campaign_id: str) -> IndexedCampaign | None:
        raise NotImplementedError

    def request(self, request_id: str, campaign_id: str | None = None) -> IndexedRequest | None:
        """Return a request; without a campaign, that of the campaign that was indexed first."""
        raise NotImplementedError

    def find(self, campaign_id: str, own_id: str) -> list[IndexedRequest]:
        """Return the requests with the list's own id; if none, with the request id; if none, the
        row number."""
        raise NotImplementedError

    def requests(
        self,
        campaign_id: str,
        *,
        after: str | None = None,
        limit: int = 100,
        status: Status | None = None,
        error: ErrorCode | None = None,
    ) -> Page:
        """Return a page in the list's order; events and strays come last, by request id.

        `after`: that of the page before. Raises InvalidInput if it is none.
        """
        raise NotImplementedError

    def rows(
        self, campaign_id: str, *, statuses: Collection[Status | None] | None = None
    ) -> Iterator[IndexedRequest]:
        """Yield all requests in the list's order, without strays; at flat memory.

        Without a loaded list: those with a result, by request id. `statuses`: only these; None
        among them stands for no result yet. Each is as it was when it was read.
        """
        raise NotImplementedError

    def strays(self, campaign_id: str) -> Iterator[IndexedRequest]:
        """Yield the requests with a result that are not in the loaded list, by request id."""
        raise NotImplementedError

    def results(self, campaign_id: str | None = None) -> Iterator[bytes]:
        """Yield the manifest of each first result, strays' too; of one campaign, or all."""
        raise NotImplementedError

    def next_offsets(self) -> dict[int, int]:
        """Return how far the results topic is read: partition → next offset."""
        raise NotImplementedError
