"""The failed and expired requests of a campaign, and what its other retries did with them."""

from collections.abc import Container, Iterator, Mapping
from functools import reduce
from typing import Literal

from msgspec.structs import replace

from seedcast.campaigns.subscription import read_results
from seedcast.producers.rows.request_ids import request_id
from seedcast.schemas.messages import Campaign, SpeechRequest
from seedcast.settings import Settings
from seedcast.storage.campaign_rows import rows_of

Status = Literal["spoken", "under_way"]


def failed_requests(settings: Settings, campaign: str) -> Iterator[tuple[str, str]]:
    """Yield request id and error code of each request that failed or expired.

    Of several results of a request the first counts.
    """
    for result in read_results(settings, campaign):
        if result.status in ("failed", "expired"):
            yield result.request_id, result.error.code if result.error else result.status


def statuses_in(settings: Settings, campaign: Campaign) -> dict[str, Status]:
    """Return the status of each request that is spoken or under way, by request id."""
    statuses: dict[str, Status] = {
        row.request_id: "under_way" for row in rows_of(settings, campaign)
    }
    for result in read_results(settings, campaign.campaign_id):
        if result.status == "succeeded":
            statuses[result.request_id] = "spoken"
        else:
            statuses.pop(result.request_id, None)
    return statuses


def identity_of(request: SpeechRequest) -> str:
    """Return the identity that the request id was derived from.

    It is the row's id or its number. If the caller chose the request id, it is the id itself.
    """
    candidates = (request.metadata.get("id"), request.metadata.get("row"))
    matching = (
        identity
        for identity in candidates
        if identity is not None and request_id(request.campaign_id, identity) == request.request_id
    )
    return next(matching, request.request_id)


def copy_to(request: SpeechRequest, campaign: str) -> SpeechRequest:
    """Return the request with the campaign and request id that it has in the retry `campaign`."""
    new_id = request_id(campaign, identity_of(request))
    return replace(request, request_id=new_id, campaign_id=campaign)


class OtherRetries:
    """The status of a campaign's requests in the other retries of its family.

    The family is the first campaign, its retries, and their retries.
    """

    def __init__(
        self,
        settings: Settings,
        records: Mapping[str, Campaign],
        campaign: str,
        name: str,
        wanted: Container[str],
    ) -> None:
        """`name`: the new retry. `wanted`: the request ids in `campaign` that it would submit.

        None of them has succeeded in `campaign` or in a campaign that it retries.
        """
        parents = {
            record.campaign_id: record.retry_of for record in records.values() if record.retry_of
        }
        self._ancestry = _ancestry(parents, campaign)
        self._retries = _retries(parents, self._ancestry[0])
        others = [retry for retry in self._retries if retry not in (*self._ancestry, name)]
        self._statuses: dict[str, Status] = {}
        for retry in others:
            self._statuses |= statuses_in(settings, records[retry])
        trace = bool(self._statuses) and len(self._ancestry) > 1
        self._originals = dict(self._trace_originals(settings, records, wanted)) if trace else {}

    def status_of(self, request: SpeechRequest) -> Status | None:
        """Return None if no other retry has spoken the request or has it under way."""
        if not self._statuses:
            return None
        statuses = {self._statuses.get(copy.request_id) for copy in self._copies(request)}
        return (
            "spoken" if "spoken" in statuses else "under_way" if "under_way" in statuses else None
        )

    def _copies(self, request: SpeechRequest) -> Iterator[SpeechRequest]:
        """Return the request as the first campaign has it, and as each retry has it."""
        original = self._original(request)
        copies = {original.campaign_id: original}
        for name, parent in self._retries.items():
            if parent in copies:
                copies[name] = copy_to(copies[parent], name)
        return iter(copies.values())

    def _original(self, request: SpeechRequest) -> SpeechRequest:
        """Return the request as the first campaign has it."""
        if identity_of(request) != request.request_id:
            return copy_to(request, self._ancestry[0])
        return self._originals.get(request.request_id, request)

    def _trace_originals(
        self, settings: Settings, records: Mapping[str, Campaign], wanted: Container[str]
    ) -> Iterator[tuple[str, SpeechRequest]]:
        """Yield id in the retry and original of each request whose id its caller chose.

        A retry's request id is a hash: the id in the first campaign cannot be recovered from it.
        """
        first = records.get(self._ancestry[0])
        for row in rows_of(settings, first) if first else ():
            request = row.request
            if identity_of(request) != request.request_id:
                continue
            retried = reduce(copy_to, self._ancestry[1:], request)
            if retried.request_id in wanted:
                yield retried.request_id, request


def _ancestry(parents: Mapping[str, str], campaign: str) -> list[str]:
    """Return the campaigns from the first one to this one, each a retry of the one before."""
    ancestry = [campaign]
    while (parent := parents.get(ancestry[0])) and parent not in ancestry:
        ancestry.insert(0, parent)
    return ancestry


def _retries(parents: Mapping[str, str], first: str) -> dict[str, str]:
    """Return all retries in the family of the first campaign, with the campaign each one retries.

    A campaign comes before its retries.
    """
    family: dict[str, str] = {}
    while more := {
        name: parent
        for name, parent in parents.items()
        if name not in (first, *family) and (parent == first or parent in family)
    }:
        family |= more
    return family
