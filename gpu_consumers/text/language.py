"""Splits a text into runs of one language.

A sentence is Mandarin if it has more ideographs than English words, as upstream counts. In an
English sentence, whatever stands between Latin letters and holds an ideograph is Mandarin, and so
are the numbers in it ("Your order 订单 4411").
"""

import re

from seedcast.gpu_consumers.text.alphabet import HAN
from seedcast.gpu_consumers.text.links import LINK
from seedcast.gpu_consumers.text.patterns import FREE, NUMBER
from seedcast.gpu_consumers.text.units import UNIT
from seedcast.schemas.locales import Language

# A dot after these ends no sentence.
_SHORT = "".join(
    rf"(?<!\b{word})" for word in ("[A-Z]", "[DMS][rst]", "Mrs", "Prof", "Gen", "Capt")
)
_SENTENCE = re.compile(
    rf".+?(?:[。\n]+|[!?;]+(?=[\s{HAN}]|$)|{_SHORT}\.(?=\s+[A-Z{HAN}])|$)", re.DOTALL
)
_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile("[A-Za-z]+")
# From the first ideograph to the last before a letter, with what it counts and what it numbers.
_MANDARIN_ISLAND = re.compile(
    rf"((?:[0-9.,]*[0-9])?[{HAN}](?:[^A-Za-z]*[{HAN}])?"
    r"(?:(?<=[号码单室房楼])\s?#?[0-9](?:[0-9:/-]*[0-9])?)?)"
)
_CODE = (  # letters and digits together, with or without hyphens
    r"(?<![A-Za-z0-9])(?=[A-Za-z-]{0,40}\d)(?=\d{0,40}-?[A-Za-z]|\d{1,40}-\d{0,40}[A-Za-z])"
    r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
)
_NEUTRAL = re.compile(  # written alike in both languages
    rf"(?<![\w.@-]){LINK}|{_CODE}|{FREE}{NUMBER}\s?{UNIT}|\b[A-Za-z]\b", re.ASCII
)


def language_of(text: str) -> Language | None:
    """Return the language of a text; None if it has no letter at all."""
    han, words = len(_HAN.findall(text)), len(_LATIN.findall(_NEUTRAL.sub(" ", text)))
    if not han and not words:
        return "en" if _LATIN.search(text) else None
    return "zh" if 2 * han > 3 * words else "en"


def split_by_language(text: str, default: Language) -> list[tuple[Language, str]]:
    """Return runs of one language; neighbours differ in language, and joined they are the text.

    A part without letters takes the language before it, else that of the whole text, else
    `default`.
    """
    runs: list[tuple[Language, str]] = []
    current = language_of(text) or default
    for language, part in _parts(text):
        current = language or current
        if runs and runs[-1][0] == current:
            part = runs.pop()[1] + part
        runs.append((current, part))
    return runs


def _parts(text: str) -> list[tuple[Language | None, str]]:
    """Return the sentences with their languages; a mixed one in its English and Mandarin pieces."""
    parts: list[tuple[Language | None, str]] = []
    for sentence in _SENTENCE.findall(text):
        language = language_of(sentence)
        if language == "en" and _HAN.search(sentence):
            pieces = _MANDARIN_ISLAND.split(sentence)  # English at even indices
            parts += [
                ("zh" if index % 2 else "en", piece) for index, piece in enumerate(pieces) if piece
            ]
        else:
            parts.append((language, sentence))
    return parts
