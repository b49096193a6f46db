"""What clients send and get, as JSON. The fields of OpenAI's API have OpenAI's names."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from seedcast.schemas.locales import Locale
from seedcast.schemas.messages import (
    CampaignId,
    Metadata,
    ProfileName,
    Rendition,
    RequestError,
    RequestId,
    Speed,
    Status,
    Style,
    Text,
    TextFormat,
    VoiceSeed,
)

# By the name that OpenAI's API gives a format: the built-in profile of that format.
FORMATS = {"mp3": "web", "opus": "phone", "aac": "m4a", "flac": "archive", "wav": "wav"}
MODELS = ("seedcast", "tts-1", "tts-1-hd")  # what clients of OpenAI's API ask for by default


class SpeechBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One text to speak at once. `profile` and what follows it are Seedcast's own."""

    input: Text
    voice: Annotated[
        str | VoiceSeed,
        Meta(description="a voice seed, or the name of a voice in /v1/audio/voices"),
    ]
    model: Annotated[str, Meta(description="seedcast, tts-1 or tts-1-hd: they are the same")] = (
        "seedcast"
    )
    response_format: Annotated[
        Literal["mp3", "opus", "aac", "flac", "wav"] | None,
        Meta(description="mp3 if neither this nor a profile is given"),
    ] = None
    speed: Speed | None = None
    stream_format: Literal["audio"] = "audio"
    profile: Annotated[
        ProfileName | None, Meta(description="a device profile, instead of response_format")
    ] = None
    style: Style = Style()
    locale: Locale | None = None
    text_format: TextFormat = "plain"
    deadline: Annotated[
        str | None,
        Meta(description="ISO 8601 with its zone, or a duration from now, such as 5s; at most 60s"),
    ] = None
    metadata: Metadata = {}


class Accepted(Struct, frozen=True, kw_only=True):
    """The request is on its way; its result will be at `url`."""

    request_id: RequestId
    campaign_id: CampaignId
    url: str


class RequestView(Struct, frozen=True, kw_only=True):
    """A request and, once there is one, its result. Never its text."""

    request_id: RequestId
    campaign_id: CampaignId
    status: Status | Literal["pending"]
    row: int | None = None  # in its list, from 1
    id: str | None = None  # the row's own
    error: RequestError | None = None
    renditions: tuple[Rendition, ...] = ()
    ended_at: datetime | None = None


class VoiceView(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    language: str | None = None
    description: str = ""


class VoiceList(Struct, frozen=True, kw_only=True):
    voices: tuple[VoiceView, ...]


class ModelView(Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "seedcast"


class ModelList(Struct, frozen=True, kw_only=True):
    data: tuple[ModelView, ...]
    object: Literal["list"] = "list"
