"""A campaign of the tenant who asks: another's is not there."""

from seedcast.producers.gateway.problems import Problem, not_found
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.index.indexed import IndexedCampaign
from seedcast.storage.index.reader import Index


def own_campaign(index: Index, name: str, key: ApiKey) -> IndexedCampaign:
    """Raises Problem 404."""
    found = index.campaign(name)
    if found is None or found.tenant != key.tenant:
        raise not_found("the campaign")
    return found


def require_requests(found: IndexedCampaign) -> IndexedCampaign:
    """Raises Problem: 410 where its requests were deleted, 409 where they are still to come.

    Of a list that cannot be read those with a result are there; its campaign says why it is held.
    """
    if found.pruned_at is not None:
        when = f"{found.pruned_at:%Y-%m-%d}"
        message = f"its requests were deleted on {when}; results.parquet without options is left"
        raise Problem(410, "deleted", message)
    if found.awaits_list:
        message = "its list is not in the results index yet"
        raise Problem(409, "pending", message, headers={"retry-after": "5"})
    return found
