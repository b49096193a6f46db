"""An event becomes a request, or an error that names what is wrong. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

from msgspec.structs import replace

from seedcast.catalog.lexicon import Lexicon
from seedcast.catalog.profiles import Profiles
from seedcast.catalog.voices import NONE, Voices
from seedcast.errors import InvalidEvent, InvalidInput, InvalidRow
from seedcast.producers.events.options import SendOptions
from seedcast.producers.rows import values as cells
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.content import check_deadline, check_request
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.staging.options import SubmitOptions
from seedcast.schemas.messages import SpeechRequest

Event = Mapping[str, object] | SpeechRequest

# What a campaign id of 64 characters has room for, beside "events-" and the day.
_TENANT = re.compile(r"[A-Za-z0-9._-]{1,46}")
_ROW = 1  # an event has no number
_EPOCH = datetime.fromtimestamp(0, UTC)  # no duration reaches the builder: see _with_deadline


class EventBuilder:
    def __init__(
        self,
        options: SendOptions,
        profiles: Profiles,
        voices: Voices = NONE,
        lexicon: Lexicon | None = None,
    ) -> None:
        """Raises InvalidInput if an option is wrong."""
        self._options, self._profiles = options, frozenset(profiles)
        # Request ids derive from it, and not from the day: an event that is sent again after
        # midnight is the same request.
        self._scope = options.campaign or _scope_of(options.tenant)
        of_rows = _options_of_rows(options, self._scope)
        self._builder = Builder(of_rows, _EPOCH, profiles, None, voices, lexicon)
        if options.deadline is not None:
            try:
                cells.deadline(options.deadline, _EPOCH)
            except InvalidValue as error:
                raise error.of_input("option deadline") from None

    def build(self, event: Event, now: datetime) -> SpeechRequest:
        """Return the request of an event that is sent now. Raises InvalidEvent.

        A request that the caller made is checked and returned unchanged.
        """
        try:
            if isinstance(event, SpeechRequest):
                campaign = self._options.campaign or event.campaign_id
                request = check_request(_ROW, event, campaign, self._profiles)
            else:
                request = self._built(event, now)
            check_deadline(_ROW, request, now)
        except InvalidRow as error:
            raise as_event(error) from None
        return request

    def _built(self, event: Mapping[str, object], now: datetime) -> SpeechRequest:
        if not isinstance(event, Mapping):
            got = type(event).__name__
            raise InvalidEvent("", expected="a mapping or a SpeechRequest", got=got)
        named = {self._options.id_column: uuid4().hex, **event}
        request = self._builder.build(_ROW, self._with_deadline(named, now), now)
        metadata = {name: value for name, value in request.metadata.items() if name != "row"}
        day = self._options.campaign or f"{self._scope}-{now:%Y-%m-%d}"
        return replace(request, campaign_id=day, metadata=metadata)

    def _with_deadline(self, event: dict[str, object], now: datetime) -> dict[str, object]:
        """Return the event with an instant as its deadline: a duration counts from now."""
        given = event.get("deadline")
        deadline = self._options.deadline if given in (None, "") else given
        if deadline is None:
            return event
        try:
            return event | {"deadline": cells.deadline(deadline, now)}
        except InvalidValue as error:
            raise error.of_row(_ROW, "deadline") from None


def as_event(error: InvalidRow) -> InvalidEvent:
    return InvalidEvent(error.field, expected=error.expected, got=error.got)


def _scope_of(tenant: str) -> str:
    """Return what the names of a tenant's campaigns begin with. Raises InvalidInput."""
    if not _TENANT.fullmatch(tenant):
        expected = "1 to 46 letters, digits, '.', '_' and '-'"
        raise InvalidInput("option tenant", expected=expected, got=repr(tenant)[:100])
    return f"events-{tenant}"


def _options_of_rows(options: SendOptions, scope: str) -> SubmitOptions:
    return SubmitOptions(
        campaign=scope,
        id_column=options.id_column,
        template=options.template,
        text_format=options.text_format,
        locale=options.locale,
        voice=options.voice,
        speaker=options.speaker,
        speed=options.speed,
        profiles=options.profiles,
        priority=options.priority,
        style=options.style,
    )
