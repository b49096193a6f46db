"""A change of a campaign as its listeners are told of it."""

from functools import cached_property

import msgspec
from sse_starlette import ServerSentEvent

from seedcast.producers.gateway.campaigns import view
from seedcast.storage.index.changes import Change


class Told:
    """It is encoded once, when the first of them is told, however many there are."""

    def __init__(self, change: Change) -> None:
        self.number, self.campaign_id = change.number, change.campaign.campaign_id
        self._campaign = change.campaign

    @cached_property
    def event(self) -> bytes:
        data = msgspec.json.encode(view(self._campaign)).decode()
        return ServerSentEvent(data, event="campaign", id=str(self.number), sep="\n").encode()
