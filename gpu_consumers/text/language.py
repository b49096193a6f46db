"""A text in runs of one language: a sentence is Mandarin where ideographs outnumber English words, as upstream counts.

Within an English sentence what stands between Latin letters and holds an ideograph is Mandarin, its numbers too ("Your order 订单 4411").
"""

import re
from typing import Literal

from gpu_consumers.text.alphabet import HAN
from gpu_consumers.text.rules import CODE, LINK, NUMBER, START
from gpu_consumers.text.units import UNIT

Language = Literal["zh", "en"]

_SENTENCE = re.compile(rf".+?(?:。+|[!?;]+(?=[\s{HAN}]|$)|\.(?=\s+[A-Z{HAN}])|$)", re.DOTALL)
_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile("[A-Za-z]+")
_ISLAND = re.compile(f"([^A-Za-z{HAN}]*[{HAN}][^A-Za-z]*)")


_NEUTRAL = re.compile(
    rf"{LINK}|{CODE}|{START}{NUMBER}\s?{UNIT}|\b[A-Za-z]\b", re.ASCII
)  # written alike in both languages


def language_of(text: str) -> Language | None:
    """None where there is no letter at all."""
    han, words = len(_HAN.findall(text)), len(_LATIN.findall(_NEUTRAL.sub(" ", text)))
    if not han and not words:
        return "en" if _LATIN.search(text) else None
    return "zh" if han > words else "en"


def runs(text: str, default: Language) -> list[tuple[Language, str]]:
    """Neighbouring runs differ in language, and joined they are the text.

    Text without letters takes the language before it, else the paragraph's, else `default`.
    """
    found: list[tuple[Language, str]] = []
    previous = language_of(text) or default
    for language, part in _parts(text):
        previous = language or previous
        if found and found[-1][0] == previous:
            part = found.pop()[1] + part
        found.append((previous, part))
    return found


def _parts(text: str) -> list[tuple[Language | None, str]]:
    parts: list[tuple[Language | None, str]] = []
    for sentence in _SENTENCE.findall(text):
        language = language_of(sentence)
        if language == "en" and _HAN.search(sentence):
            pieces = _ISLAND.split(sentence)
            parts += [
                ("zh" if index % 2 else "en", piece) for index, piece in enumerate(pieces) if piece
            ]
        else:
            parts.append((language, sentence))
    return parts
