"""A row and the options of its list to a request, or to what is wrong with the row. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from producers import values as parse
from producers.options import SubmitOptions
from producers.template import Template, compile_template
from producers.values import Wrong
from schemas.messages import CampaignId, SpeechRequest, Style
from schemas.topics import KIB, REQUESTS
from seedcast import text as texts
from seedcast.errors import InvalidInput, InvalidRow
from seedcast.profiles import Profiles

MAX_BYTES = REQUESTS.max_bytes - 16 * KIB  # key, headers and the batch around a record count towards the topic's limit
_EPOCH = datetime.fromtimestamp(0, UTC)
_STYLE = tuple(field.name for field in msgspec.structs.fields(Style))
_canonical = msgspec.json.Encoder(order="sorted")


class Builder:
    """Raises InvalidInput where the options, or the columns of the whole file, are wrong."""

    def __init__(self, options: SubmitOptions, created_at: datetime, profiles: Profiles, columns: tuple[str, ...] | None = None) -> None:
        self._options, self._created_at = options, created_at
        self._id_column = options.id_column
        self._campaign = _option("campaign", lambda: parse.bounded(options.campaign, CampaignId))
        self._seed = hashlib.sha256(f"{options.campaign}\n".encode())  # no campaign id holds a line end, so the join is unambiguous
        self._known_profiles = frozenset(profiles)
        self._template = _option("template", lambda: _template(options.template))
        self._voice = _option("voice", lambda: None if options.voice is None else parse.voice(options.voice))
        self._speaker = _option("speaker", lambda: None if options.speaker is None else parse.speaker(options.speaker))
        self._speed = _option("speed", lambda: parse.speed(options.speed))
        self._profiles = _option("profile", lambda: parse.profiles(options.profiles, self._known_profiles))
        self._priority = _option("priority", lambda: parse.priority(options.priority))
        self.deadline = _option("deadline", lambda: None if options.deadline is None else parse.deadline(options.deadline, created_at))
        if columns is not None:
            self._check_columns(columns)

    def build(self, row: int, values: Mapping[str, object], submitted_at: datetime) -> SpeechRequest:
        """Raises InvalidRow. Whether the deadline is past is not judged here: the row may have been accepted before it was."""
        metadata = self._metadata(row, values)
        request = SpeechRequest(
            request_id=self._request_id(metadata),
            campaign_id=self._campaign,
            text=self._text(row, values),
            voice_seed=self._field(row, values, ("voice", "voice_seed"), parse.voice, self._voice),
            profiles=self._field(row, values, ("profile", "profiles"), self._parse_profiles, self._profiles),
            submitted_at=submitted_at,
            speaker=self._field(row, values, ("speaker",), parse.speaker, self._speaker, optional=True),
            speed=self._field(row, values, ("speed",), parse.speed, self._speed),
            style=self._style(row, values),
            priority=self._field(row, values, ("priority",), parse.priority, self._priority),
            deadline=self._field(row, values, ("deadline",), self._parse_deadline, self.deadline, optional=True),
            metadata=metadata,
        )
        return request
