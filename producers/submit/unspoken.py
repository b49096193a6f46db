"""What a campaign did not speak: its failed and expired requests, and what retries made of them."""

from collections.abc import Container, Iterator, Mapping
from functools import reduce

from msgspec.structs import replace

from producers.rows.build import request_id
from schemas.messages import Campaign, SpeechRequest
from seedcast.campaigns.requests import read_requests
from seedcast.campaigns.subscription import read_results
from seedcast.settings import Settings


def unspoken(settings: Settings, campaign: str) -> Iterator[tuple[str, str]]:
    """Request id and error code of each that failed or expired; its first result counts."""
    for result in read_results(settings, campaign):
        if result.status in ("failed", "expired"):
            yield result.request_id, result.error.code if result.error else result.status


def standings_in(settings: Settings, campaign: str) -> dict[str, str]:
    """What is spoken or under way, by request id; what failed again is in neither."""
    standings = {request.request_id: "under_way" for request in read_requests(settings, campaign)}
    for result in read_results(settings, campaign):
        if result.status == "succeeded":
            standings[result.request_id] = "spoken"
        else:
            standings.pop(result.request_id, None)
    return standings


def identity_of(request: SpeechRequest) -> str:
    """What its id was made from: the id column, or the row's number; of a request that its caller made, the id itself."""
    candidates = (request.metadata.get("id"), request.metadata.get("row"))
    made = (
        identity
        for identity in candidates
        if identity is not None and request_id(request.campaign_id, identity) == request.request_id
    )
    return next(made, request.request_id)


def again(request: SpeechRequest, name: str) -> SpeechRequest:
    """As the campaign `name`, a retry of its own, has it."""
    return replace(request, request_id=request_id(name, identity_of(request)), campaign_id=name)


class Standings:
    """What other retries have made of a campaign's requests: those of its own, of the campaigns that it retries, and retries of retries."""

    def __init__(
        self,
        settings: Settings,
        records: Mapping[str, Campaign],
        campaign: str,
        name: str,
        wanted: Container[str],
    ) -> None:
        """`name`: of the retry that asks. `wanted`: ids in `campaign`, which those that it retries did not speak."""
        parents = {
            record.campaign_id: record.retry_of for record in records.values() if record.retry_of
        }
        self._line = _line(parents, campaign)
        self._retries = _retries(parents, self._line[0])
        others = [retried for retried in self._retries if retried not in (*self._line, name)]
        self._standings = {
            request: standing
            for retried in others
            for request, standing in standings_in(settings, retried).items()
        }
        self._origins = (
            dict(self._traced(settings, wanted)) if self._standings and len(self._line) > 1 else {}
        )

    def of(self, request: SpeechRequest) -> str | None:
        """None where it is not spoken, and nobody is at it."""
        if not self._standings:
            return None
        found = {self._standings.get(made.request_id) for made in self._everywhere(request)}
        return "spoken" if "spoken" in found else "under_way" if "under_way" in found else None

    def _everywhere(self, request: SpeechRequest) -> Iterator[SpeechRequest]:
        """It, from its first campaign on, as each retry has it."""
        first = self._first(request)
        made = {first.campaign_id: first}
        for name, parent in self._retries.items():
            if parent in made:
                made[name] = again(made[parent], name)
        return iter(made.values())

    def _first(self, request: SpeechRequest) -> SpeechRequest:
        if identity_of(request) != request.request_id:
            return again(request, self._line[0])
        return self._origins.get(request.request_id, request)

    def _traced(
        self, settings: Settings, wanted: Container[str]
    ) -> Iterator[tuple[str, SpeechRequest]]:
        """Requests that their caller made: what a retry calls them tells nothing of what they were called."""
        for request in read_requests(settings, self._line[0]):
            if (
                identity_of(request) == request.request_id
                and (found := reduce(again, self._line[1:], request).request_id) in wanted
            ):
                yield found, request


def _line(parents: Mapping[str, str], campaign: str) -> list[str]:
    """From the first campaign, by what it retries, to this one."""
    line = [campaign]
    while (parent := parents.get(line[0])) and parent not in line:
        line.insert(0, parent)
    return line


def _retries(parents: Mapping[str, str], first: str) -> dict[str, str]:
    """All that retry the first campaign, or a retry of it, each with what it retries, which comes before it."""
    found: dict[str, str] = {}
    while more := {
        name: parent
        for name, parent in parents.items()
        if name not in (first, *found) and (parent == first or parent in found)
    }:
        found |= more
    return found
