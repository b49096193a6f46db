"""What the gateway and the process that stages a list for it tell each other."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from seedcast.producers.staging.options import SubmitOptions
from seedcast.schemas.locales import Locale
from seedcast.schemas.messages import (
    CampaignId,
    Priority,
    ProfileName,
    Speaker,
    Speed,
    Style,
    Tenant,
    TextFormat,
    VoiceSeed,
)

Short = Annotated[str, Meta(max_length=256)]


class ListOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a list is read, spoken and fed: the options of `seedcast submit`.

    Not among them: whose it is, which the key says, and files of the machine.
    """

    format: Short | None = None
    delimiter: Short | None = None
    encoding: Short | None = None
    sheet: Short | None = None
    id_column: Short | None = None
    voice_column: Short | None = None
    template: Annotated[str, Meta(max_length=10_000)] | None = None
    text_format: TextFormat = "plain"
    locale: Locale | None = None
    voice: VoiceSeed | Short | None = None
    speaker: Speaker | None = None
    speed: Speed = 1.0
    profiles: Annotated[tuple[ProfileName, ...], Meta(min_length=1, max_length=16)] = ("phone",)
    deadline: Short | None = None
    deliver_late: bool = False
    priority: Priority = "normal"
    style: Style = Style()
    spread: Annotated[int, Meta(ge=0)] | None = None
    weight: float | None = None
    rate: float | Short | None = None
    start_at: Short | None = None
    window: Short | None = None
    zone: Short | None = None

    def of_submission(self, campaign: str, tenant: str, *, dry_run: bool) -> SubmitOptions:
        given: dict[str, Any] = {name: getattr(self, name) for name in _NAMES}
        return SubmitOptions(campaign=campaign, tenant=tenant, dry_run=dry_run, **given)


_NAMES = tuple(field.name for field in msgspec.structs.fields(ListOptions))


class BatchFile(Struct, frozen=True, kw_only=True):
    """The list is the input file of a batch, each line a speech of its own."""

    endpoint: str  # of every line
    created_at: datetime  # from which the deadlines of lines count
    expires_at: datetime  # after which nothing is spoken
    most_lines: int


class StagedOptions(ListOptions, frozen=True, kw_only=True):
    """The options of a list that is queued."""

    batch: BatchFile | None = None


class ListJob(Struct, frozen=True, kw_only=True):
    """One line of JSON on the process's standard input, whose end then ends the process."""

    campaign_id: CampaignId
    tenant: Tenant
    is_check: bool
    uri: str  # of the list
    filename: str  # for people, and by its suffix for the format
    report_key: str  # of the object with what was found
    memory: int  # MiB
    options: StagedOptions


class ListProgress(Struct, frozen=True, kw_only=True):
    """A line of JSON on the process's standard output; the last one has its end."""

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    waiting: str | None = None
    end: Literal["done", "refused"] | None = None
