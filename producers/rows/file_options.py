"""How a list's file is to be read, where the file itself does not say."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """None: it is detected."""

    format: str | None = None  # such as csv or jsonl.gz; None: by the suffix
    delimiter: str | None = None  # of CSV
    encoding: str | None = None  # of CSV and JSON Lines, a name of `encoding.ENCODINGS`
    sheet: str | None = None  # of a workbook; None: its only visible one


DETECTED = FileOptions()
