"""The options of a submission, its progress and its report."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from seedcast.producers.rows.file_options import FileOptions
from seedcast.schemas.locales import Locale
from seedcast.schemas.messages import CampaignState, Priority, SpeechRequest, Style, TextFormat


@dataclass(frozen=True, kw_only=True)
class SubmitOptions:
    """Defaults of a whole list. A column of the same name overrides them, row by row.

    Columns: the one that `id_column` names, text, template, text_format, locale, voice (or
    voice_seed), speaker, speed, profile (or profiles, separated by ';' or ','), deadline, priority,
    temperature, top_p, top_k, repetition_penalty, refine, oral, laugh, break, and metadata.NAME,
    which the result repeats.
    A row's own columns come first, then the defaults of a named voice (the setting `voices`),
    then these options.
    """

    campaign: str  # the list's name for ever: the same campaign and row give the same request id
    # How the file is read, where its bytes do not say; None: detected.
    delimiter: str | None = None  # of CSV: one character, or 'tab'
    encoding: str | None = None  # of text: utf-8, utf-16, gb18030, gbk, big5, windows-1252
    sheet: str | None = None  # of a workbook; None: its only visible one
    id_column: str | None = None  # None: the number of a row is its id
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
    seal: bool = True  # False: more will be submitted to this campaign
    # The campaign whose failed and expired requests these repeat, as `rebuild.py` does.
    retry_of: str | None = None
    dry_run: bool = False  # everything but Kafka
    state_dir: Path | None = None  # of the journal and the rejected rows; None: beside the file

    @property
    def file_options(self) -> FileOptions:
        return FileOptions(delimiter=self.delimiter, encoding=self.encoding, sheet=self.sheet)


@dataclass(frozen=True, kw_only=True)
class SubmitProgress:
    rows: int  # read so far
    new: int  # handed to Kafka; in a dry run: that would be
    acknowledged: int | None  # of the new ones; None in a dry run, which sends nothing
    rejected: int
    resumed: int = 0  # sent by an earlier run


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
    """The result of a submission: rows = new + resumed + duplicates + rejected."""

    campaign_id: str
    state: CampaignState | None  # of the campaign afterwards; None after a dry run
    rows: int
    # Distinct request ids of the campaign that Kafka has acknowledged, earlier runs included.
    accepted: int
    new: int  # sent by this run; in a dry run: that would be sent
    resumed: int  # sent by an earlier run
    duplicates: int  # rows equal to an earlier row of the same id
    rejected: int
    rejections: tuple[Rejection, ...]  # the first hundred
    rejected_file: Path | None  # all of them, one JSON object per line; None if there are none
    seconds: float
    # Of all rejections, the most frequent first; of a hundred reasons at most.
    reasons: tuple[Reason, ...] = ()


OnProgress = Callable[[SubmitProgress], None]
OnRequest = Callable[[SpeechRequest, bytes], None]  # each new request, and how it is sent
