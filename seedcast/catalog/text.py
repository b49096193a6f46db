"""Checks whether a text can be spoken; producers check each row, the GPU consumer each record."""

import unicodedata
from dataclasses import dataclass

from seedcast.schemas.messages import MAX_TEXT, ErrorCode

_ALLOWED_CONTROLS = "\n\r\t"


@dataclass(frozen=True)
class TextProblem:
    """Why a text cannot be spoken. It quotes at most one control character of the text."""

    code: ErrorCode  # for the result of the request
    expected: str
    got: str


def find_problem(text: str) -> TextProblem | None:
    """Returns the first reason why the text cannot be spoken, or None if it can."""
    if len(text) > MAX_TEXT:
        return TextProblem("invalid_request", f"at most {MAX_TEXT:,} characters", f"{len(text):,}")
    if control := _find_control(text):
        return TextProblem("invalid_request", "no control characters", control)
    if not any(character.isalnum() for character in text):
        got = "nothing to speak" if text.strip() else "an empty text"
        return TextProblem("nothing_to_speak", "at least one letter or digit", got)
    return None


def _find_control(text: str) -> str | None:
    """Names the first control character or lone surrogate, and its position counted from 1."""
    if text.isprintable():  # then it has none; this shortcut is six times as fast as the loop
        return None
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in _ALLOWED_CONTROLS:
            return f"U+{ord(character):04X} at character {position}"
    return None
