"""Bodies become requests: one builder per tenant, the same that lists and events go through."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import uuid4

import msgspec

from seedcast.catalog import profiles, voices
from seedcast.errors import InvalidEvent
from seedcast.producers.events.build import EventBuilder
from seedcast.producers.events.options import SendOptions
from seedcast.producers.gateway import problems
from seedcast.producers.gateway.problems import Problem, wrong
from seedcast.producers.gateway.wire import FORMATS, MODELS, SpeechBody
from seedcast.producers.rows.columns import METADATA
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.rows.values import deadline as instant_of
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings

TENANTS = 1000  # whose builders are kept
_FIELDS = {"text": "input", "profiles": "response_format"}  # of a body, by our column


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
        if body.model not in MODELS:
            message = f"model: expected {', '.join(MODELS)}, got {body.model[:100]!r}"
            raise Problem(404, "model_not_found", message, param="model")
        now = datetime.now(UTC)
        event = self._event(body, identity or uuid4().hex, self._deadline(body, now, waits))
        try:
            return self._builder(tenant).build(event, now)
        except InvalidEvent as error:
            raise problems.of(_of_body(error)) from None

    def _of_tenant(self, tenant: str) -> EventBuilder:
        options = SendOptions(tenant=tenant, priority="urgent")
        return EventBuilder(options, self.profiles, self.voices)

    def _event(
        self, body: SpeechBody, identity: str, deadline: datetime | None
    ) -> Mapping[str, object]:
        style: dict[str, object] = msgspec.to_builtins(body.style)
        fields = {
            "text": body.input,
            "voice": body.voice,
            "speed": body.speed,
            "profiles": self._profile(body),
            "deadline": deadline,
            "locale": body.locale,
            "text_format": body.text_format,
            **style,
        }
        metadata = {METADATA + name: value for name, value in body.metadata.items()}
        return {"id": identity} | {n: v for n, v in fields.items() if v is not None} | metadata

    def _profile(self, body: SpeechBody) -> str:
        if body.profile is None:
            return FORMATS[body.response_format or "mp3"]
        if body.response_format is not None:
            message = "expected a response_format or a profile, got both"
            raise Problem(400, "invalid_request", message, param="profile")
        if body.profile not in self.profiles:
            message = f"profile: expected one of {', '.join(sorted(self.profiles))}"
            raise Problem(400, "unknown_profile", message, param="profile")
        return body.profile

    def _deadline(self, body: SpeechBody, now: datetime, waits: bool) -> datetime | None:
        latest = now + self._longest
        if body.deadline is None:
            return latest if waits else None
        try:
            asked = instant_of(body.deadline, now)
        except InvalidValue as error:
            raise wrong("deadline", f"{error.expected}, got {error.got}") from None
        return min(asked, latest) if waits else asked


def _of_body(error: InvalidEvent) -> InvalidEvent:
    """Return the error with the name that its field has in a body."""
    field = _FIELDS.get(error.field, error.field)
    return InvalidEvent(field, expected=error.expected, got=error.got)
