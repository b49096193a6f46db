"""What a value is in a spreadsheet's cell: text that no spreadsheet takes for a formula. Pure."""

import re
from datetime import datetime
from typing import Any

import msgspec

# https://owasp.org/www-community/attacks/CSV_Injection; full width, as Excel in Asia reads them.
_LIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-][0-9]{1,400}(?:\.[0-9]{1,400})?", re.ASCII)


def harmless(text: str) -> str:
    """Return the text with an apostrophe before it if a spreadsheet might run it.

    A number with a sign is none that runs, and stays.
    """
    if text.startswith(_LIVE) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def text_of(value: Any) -> str:
    """Return a value as text: a moment as ISO 8601 in UTC, what is no scalar as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode(value).decode()
