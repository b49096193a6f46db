"""What a submission is asked, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from schemas.messages import CampaignState, Priority, Style


@dataclass(frozen=True, kw_only=True)
class SubmitOptions:
    """Defaults of a whole list; a column of the same name overrides them row by row.

    Columns: the one that `id_column` names, text, template, voice (or voice_seed), speaker, speed, profile (or profiles, separated by ';' or ','),
    deadline, priority, temperature, top_p, top_k, repetition_penalty, refine, oral, laugh, break, and metadata.NAME for what the result shall echo.
    The defaults of a named voice (settings: voices) go before those of the list, and after a row's own columns.
    """

    campaign: str  # the list's name for ever: the same campaign and row give the same request id
    id_column: str | None = None  # None: a row is known by its number
    template: str | None = None  # 'Hello {name}'; goes before a text column
    voice: int | str | None = None  # voice seed, or a name of the voices file
    speaker: str | None = (
        None  # a speaker string: the timbre, for which the seed still makes the draws
    )
    speed: float = 1.0  # ratio to the voice's own pace
    profiles: tuple[str, ...] = ("phone",)
    deadline: str | datetime | None = (
        None  # ISO 8601 with its zone, or a duration since the campaign was opened, such as '2h' or '1h30m'
    )
    priority: Priority = "normal"
    style: Style = field(default_factory=Style)
    spread: int | None = None  # partitions a voice may spread over; None: the setting kafka.spread
    seal: bool = True  # False: more will be submitted to this campaign
    retry_of: str | None = (
        None  # the campaign whose failed and expired requests these are again (`producers.submit.retry`)
    )
    dry_run: bool = False  # everything but Kafka
    state_dir: Path | None = None  # of the journal and the rejected rows; None: beside the file


@dataclass(frozen=True, kw_only=True)
class SubmitProgress:
    rows: int  # read so far
    new: int  # handed to Kafka
    acknowledged: int  # of these
    rejected: int


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """What is wrong with a row; `field` is '' for the row as a whole."""

    row: int
    field: str
    expected: str
    got: str


@dataclass(frozen=True, kw_only=True)
class SubmitReport:
    """rows = new + resumed + duplicates + rejected."""

    campaign_id: str
    state: CampaignState | None  # of the campaign afterwards; None after a dry run
    rows: int
    accepted: int  # distinct request ids of the campaign that Kafka has acknowledged, earlier runs included
    new: int  # by this run (a dry run: would be)
    resumed: int  # by an earlier one
    duplicates: int  # rows equal to an earlier row of the same id
    rejected: int
    rejections: tuple[Rejection, ...]  # the first hundred
    rejected_file: Path | None  # all of them, one JSON object a line; None where there are none
    seconds: float


OnProgress = Callable[[SubmitProgress], None]
