"""Builds the requests of a submitted list again, for when the topics no longer have them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from seedcast.catalog import lexicon, profiles, voices
from seedcast.errors import InvalidRow
from seedcast.producers.rows.build import Builder
from seedcast.producers.rows.read import read
from seedcast.producers.rows.rows import BadRow, Rows
from seedcast.producers.submit.options import SubmitOptions
from seedcast.schemas.messages import SpeechRequest
from seedcast.settings import Settings


def rebuild_file(
    settings: Settings, file: Path | str, options: SubmitOptions
) -> Iterator[SpeechRequest]:
    """Yield the requests in the list's order. Sends and writes nothing. Raises InvalidInput.

    Rows that `submit_file` would reject by themselves are left out. Of several rows with one id the
    first is the one that was accepted. `submitted_at`, and deadlines given as durations, differ
    from those of the submission.
    """
    rows, now = read(Path(file), options.file_options), datetime.now(UTC)
    table = profiles.load(settings.postprocess)
    words = lexicon.of_list(options.lexicon)
    builder = Builder(options, now, table, rows.columns, voices.load(settings), words)
    return _build(rows, builder, now)


def _build(rows: Rows, builder: Builder, now: datetime) -> Iterator[SpeechRequest]:
    for row in rows.rows:
        if isinstance(row, BadRow):
            continue
        try:
            yield builder.build(*row, now)
        except InvalidRow:
            continue
