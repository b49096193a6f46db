"""The requests of a list that was submitted, made again from it: for whoever has to compare, when the topics have forgotten them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from producers.rows.build import Builder
from producers.rows.read import read
from producers.rows.rows import BadRow, Rows
from producers.submit.options import SubmitOptions
from schemas.messages import SpeechRequest
from seedcast.catalog import profiles, voices
from seedcast.errors import InvalidRow
from seedcast.settings import Settings


def rebuild_file(
    settings: Settings, file: Path | str, options: SubmitOptions
) -> Iterator[SpeechRequest]:
    """In the list's order; rows that `submit_file` would reject by themselves are left out. Sends and writes nothing.

    Of rows with one id the first is what was accepted. `submitted_at`, and deadlines given as durations, are not those of the submission.
    Raises InvalidInput.
    """
    rows, now = read(Path(file)), datetime.now(UTC)
    return _build(
        rows,
        Builder(
            options, now, profiles.load(settings.postprocess), rows.columns, voices.load(settings)
        ),
        now,
    )


def _build(rows: Rows, builder: Builder, now: datetime) -> Iterator[SpeechRequest]:
    for given in rows.rows:
        if isinstance(given, BadRow):
            continue
        try:
            yield builder.build(*given, now)
        except InvalidRow:
            continue
