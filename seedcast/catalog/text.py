"""Checks whether a text can be spoken; producers check each row, the GPU consumer each record."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from seedcast.schemas.locales import Locale
from seedcast.schemas.messages import MAX_TEXT, ErrorCode, SpeechRequest

_ALLOWED_CONTROLS = "\n\r\t"


@dataclass(frozen=True)
class TextProblem:
    """Why a text cannot be spoken. It quotes at most one control character of the text."""

    code: ErrorCode  # for the result of the request
    expected: str
    got: str


def problem_of(request: SpeechRequest) -> TextProblem | None:
    """Returns the first reason why the request's text cannot be spoken, or None if it can."""
    return find_problem(request.text, request.text_format == "markup", request.locale or None)


def find_problem(
    text: str, markup: bool = False, locale: Locale | None = None
) -> TextProblem | None:
    """Returns the first reason why the text cannot be spoken, or None if it can.

    Of markup that is judged which is spoken. `locale` is the request's.
    """
    if problem := _unfit(text):
        return problem
    if not markup:
        return _silent([text])
    from seedcast.catalog.markup import InvalidMarkup, sources
    from seedcast.catalog.markup_parser import parse  # loads expat

    try:
        spoken = sources(parse(text, locale))
    except InvalidMarkup as error:
        return TextProblem("invalid_request", error.expected, error.got)
    return _unfit("".join(spoken)) or _silent(spoken)  # a reference may stand for a control


def _unfit(text: str) -> TextProblem | None:
    if len(text) > MAX_TEXT:
        return TextProblem("invalid_request", f"at most {MAX_TEXT:,} characters", f"{len(text):,}")
    if control := _find_control(text):
        return TextProblem("invalid_request", "no control characters", control)
    return None


def _silent(texts: Iterable[str]) -> TextProblem | None:
    texts = list(texts)
    if any(map(str.isalnum, chain.from_iterable(texts))):
        return None
    got = "nothing to speak" if any(map(str.strip, texts)) else "an empty text"
    return TextProblem("nothing_to_speak", "at least one letter or digit", got)


def _find_control(text: str) -> str | None:
    """Names the first control character or lone surrogate, and its position counted from 1."""
    if text.isprintable():  # then it has none; this shortcut is six times as fast as the loop
        return None
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in _ALLOWED_CONTROLS:
            return f"U+{ord(character):04X} at character {position}"
    return None
