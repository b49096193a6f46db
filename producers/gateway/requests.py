"""Bodies become requests: one builder per tenant, the same that lists and events go through."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import uuid4

from seedcast.catalog import profiles, voices
from seedcast.errors import InvalidEvent
from seedcast.producers.events.build import EventBuilder
from seedcast.producers.events.options import SendOptions
from seedcast.producers.gateway.speech_fields import deadline_of, fields_of, problem_of
from seedcast.producers.gateway.wire import SpeechBody
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings

TENANTS = 1000  # whose builders are kept


class Requests:
    def __init__(self, settings: Settings) -> None:
        """Read profiles and voices. Raises InvalidSettings."""
        self.profiles = profiles.load(settings.postprocess)
        self.voices = voices.load(settings)
        self._longest = timedelta(seconds=settings.gateway.wait)
        self._builder = lru_cache(TENANTS)(self._of_tenant)

    def build(
        self, tenant: str, body: SpeechBody, identity: str | None, *, waits: bool
    ) -> SpeechRequest:
        """Return an urgent request. What has the same identity in a tenant is the same request.

        Where somebody `waits` it has a deadline, so that nothing is spoken to nobody.
        Raises Problem.
        """
        now = datetime.now(UTC)
        fields = fields_of(body, self.profiles, self._deadline(body, now, waits))
        try:
            event = {"id": identity or uuid4().hex} | fields
            return self._builder(tenant).build(event, now)
        except InvalidEvent as error:
            raise problem_of(error) from None

    def _of_tenant(self, tenant: str) -> EventBuilder:
        options = SendOptions(tenant=tenant, priority="urgent")
        return EventBuilder(options, self.profiles, self.voices)

    def _deadline(self, body: SpeechBody, now: datetime, waits: bool) -> datetime | None:
        latest = now + self._longest
        if body.deadline is None:
            return latest if waits else None
        asked = deadline_of(body.deadline, now)
        return min(asked, latest) if waits else asked
