"""The options of a sender, and the receipt of what it has sent."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from seedcast.schemas.locales import Locale
from seedcast.schemas.messages import Priority, Style, TextFormat


@dataclass(frozen=True, kw_only=True)
class SendOptions:
    """Defaults of every event. An event's own field of the same name overrides them.

    The fields of an event are the columns of a list: see `SubmitOptions`.
    """

    # Whose events these are: they belong to the campaign events-TENANT-YYYY-MM-DD of the day (UTC).
    tenant: str = "default"
    campaign: str | None = None  # instead of the day's; it stays open, too
    id_column: str = "id"  # the field that names an event; one without it gets a random id
    template: str | None = None  # 'Hello {name}'; overrides a text
    text_format: TextFormat = "plain"  # of texts and templates
    locale: Locale | None = None  # decides what a text leaves open, such as 12/05/2026
    lexicon: Path | str | None = None  # TOML file: how words are said in these events
    voice: int | str | None = None  # a voice seed, or a name in the voices file
    speaker: str | None = None  # a ChatTTS speaker string: the timbre
    speed: float = 1.0  # ratio to the voice's own pace
    profiles: tuple[str, ...] = ("phone",)
    # ISO 8601 with its zone, or a duration since the event is sent, such as '90s' or '1h30m'.
    deadline: str | datetime | None = None
    priority: Priority = "normal"
    style: Style = field(default_factory=Style)
    timeout: float = 30.0  # seconds to wait for the broker's acknowledgement of one event


@dataclass(frozen=True, kw_only=True)
class SendReceipt:
    """The broker has acknowledged the request: whatever happens now, it ends once."""

    request_id: str
    campaign_id: str
    topic: str
    partition: int
    offset: int | None  # None if the broker's answer does not say
