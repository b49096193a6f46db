"""The options of a submission, its progress and its report."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from seedcast.errors import InvalidRow
from seedcast.producers.rows.file_options import FileOptions
from seedcast.schemas.locales import Locale
from seedcast.schemas.messages import CampaignState, Priority, SpeechRequest, Style, TextFormat


@dataclass(frozen=True, kw_only=True)
class SubmitOptions:
    """Defaults of a whole list. A column of the same name overrides them, row by row.

    Columns: the one that `id_column` names, text, template, text_format, locale, voice (or
    voice_seed, or the one that `voice_column` names), speaker, speed, profile (or profiles,
    separated by ';' or ','), deadline, priority, temperature, top_p, top_k, repetition_penalty,
    refine, oral, laugh, break, and metadata.NAME, which the result repeats.
    A row's own columns come first, then the defaults of a named voice (the setting `voices`),
    then these options.
    """

    campaign: str  # the list's name for ever: the same campaign and row give the same request id
    # How the file is read, where its name and its bytes do not say; None: detected.
    format: str | None = None  # csv, tsv, jsonl, parquet, xlsx, and csv.gz, csv.zst and so on
    delimiter: str | None = None  # of CSV: one character, or 'tab'
    encoding: str | None = None  # of text: utf-8, utf-16, gb18030, gbk, big5, windows-1252
    sheet: str | None = None  # of a workbook; None: its only visible one
    id_column: str | None = None  # None: the number of a row is its id
    voice_column: str | None = None  # has each row's voice; None: voice, or voice_seed
    template: str | None = None  # 'Hello {name}'; overrides a text column
    text_format: TextFormat = "plain"  # of texts and templates; a template's {due:date} needs none
    locale: Locale | None = None  # decides what a text leaves open, such as 12/05/2026
    lexicon: Path | str | None = None  # TOML file: how words are said in this list
    voice: int | str | None = None  # a voice seed, or a name in the voices file
    # A speaker string determines the timbre; the voice seed still determines the random draws.
    speaker: str | None = None
    speed: float = 1.0  # ratio to the voice's own pace
    profiles: tuple[str, ...] = ("phone",)
    # ISO 8601 with its zone, or a duration since the campaign was opened, such as '2h' or '1h30m'.
    deadline: str | datetime | None = None
    deliver_late: bool = False  # deliver what was begun by its deadline, however late
    priority: Priority = "normal"
    style: Style = field(default_factory=Style)
    spread: int | None = None  # partitions a voice may spread over; None: the setting kafka.spread
    # On what terms the list is fed, beside others: docs/sharing.md. They change nothing in it, and
    # `seedcast campaigns set` changes them.
    tenant: str | None = None  # who shares the fleet equally with other tenants; None: default
    weight: float | None = None  # among the tenant's campaigns; None: 1
    rate: str | float | None = None  # at most: '200/s', '30/min', or requests per second
    # Nothing is fed before: ISO 8601 with its zone, or a duration, as a deadline.
    start_at: str | datetime | None = None
    window: str | None = None  # times of day at which it is fed, such as '20:00-06:00'
    zone: str | None = None  # IANA name, such as 'Asia/Shanghai': the window's clock
    # The campaign whose failed and expired requests these repeat.
    retry_of: str | None = None
    dry_run: bool = False  # everything but storing and announcing it
    # File of the rejected rows; None: FILE.rejected.jsonl beside the list.
    rejected: Path | None = None

    @property
    def file_options(self) -> FileOptions:
        return FileOptions(
            format=self.format, delimiter=self.delimiter, encoding=self.encoding, sheet=self.sheet
        )


def shown_options(options: SubmitOptions) -> dict[str, str]:
    """Return what a campaign's record keeps for people: no text, and nothing that is usual."""
    usual = SubmitOptions(campaign=options.campaign)
    values = {name: (getattr(options, name), getattr(usual, name)) for name in _SHOWN}
    return {name: str(value) for name, (value, default) in values.items() if value != default}


_SHOWN = (
    "id_column",
    "voice_column",
    "voice",
    "speed",
    "profiles",
    "deadline",
    "priority",
    "locale",
    "text_format",
)


@dataclass(frozen=True, kw_only=True)
class SubmitProgress:
    rows: int  # read so far
    accepted: int  # of them
    rejected: int
    waiting: str | None = None  # what is out of reach at present


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """What is wrong with a row. `field` is '' if the row as a whole is wrong."""

    row: int
    field: str
    expected: str
    got: str


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why rows were rejected."""

    field: str
    expected: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class SubmitReport:
    """The result of a submission: rows = accepted + duplicates + rejected."""

    campaign_id: str
    state: CampaignState | None  # of the campaign afterwards; None after a dry run
    rows: int
    accepted: int  # distinct requests
    before: bool  # True if an earlier run, or another one, has submitted this list
    duplicates: int  # rows equal to an earlier row of the same id
    rejected: int
    rejections: tuple[Rejection, ...]  # the first hundred
    rejected_file: Path | None  # all of them, one JSON object per line; None if there are none
    seconds: float
    # Of all rejections, the most frequent first; of a hundred reasons at most.
    reasons: tuple[Reason, ...] = ()
    # Terms that were asked for, and that the campaign, which was there before, does not have.
    other_terms: tuple[str, ...] = ()


OnProgress = Callable[[SubmitProgress], None]
OnRequest = Callable[[SpeechRequest, bytes], None]  # each new request, and how it is sent
OnRejected = Callable[[InvalidRow], None]
