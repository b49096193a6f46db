"""Splits a text into runs of one language.

A sentence is Mandarin if it has more ideographs than English words, as upstream counts. In an
English sentence, whatever stands between Latin letters and holds an ideograph is Mandarin, and so
are the numbers in it ("Your order 订单 4411").
"""

import re
from collections.abc import Iterator

from seedcast.gpu_consumers.text.alphabet import HAN
from seedcast.gpu_consumers.text.links import LINK
from seedcast.gpu_consumers.text.patterns import FREE, NUMBER
from seedcast.gpu_consumers.text.units import UNIT
from seedcast.schemas.locales import Language

# A dot after these ends no sentence.
_SHORT = "".join(
    rf"(?<!(?<![A-Za-z]){word})" for word in ("[A-Z]", "[DMS][rst]", "Mrs", "Prof", "Gen", "Capt")
)
_SENTENCE = re.compile(
    rf".+?(?:[。\n]+|[!?;]+(?=[\s{HAN}]|$)|{_SHORT}\.(?=\s+[A-Z{HAN}])|$)", re.DOTALL
)
_CLAUSE = re.compile(r".+?(?:[，；：:;]+|,(?!\d)|$)", re.DOTALL)
_FEWEST = 3  # words of an English clause in a Mandarin sentence; fewer are names
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


def language_of(text: str, default: Language) -> Language | None:
    """Return the language of a text; None if it has no letter at all.

    Where both are about even, a text is in the language of its locale, `default`: two ideographs
    are about a word.
    """
    han, words = len(_HAN.findall(text)), len(_LATIN.findall(_NEUTRAL.sub(" ", text)))
    if not han and not words:
        return "en" if _LATIN.search(text) else None
    is_mandarin = han >= words if default == "zh" else 2 * han > 3 * words
    return "zh" if is_mandarin else "en"


def split_by_language(text: str, default: Language) -> list[tuple[Language, str]]:
    """Return runs of one language; neighbours differ in language, and joined they are the text.

    A part without letters takes the language before it, else that of the whole text, else
    `default`.
    """
    runs: list[tuple[Language, str]] = []
    current = language_of(text, default) or default
    for language, part in _parts(text, default):
        current = language or current
        if runs and runs[-1][0] == current:
            part = runs.pop()[1] + part
        runs.append((current, part))
    return runs


def _parts(text: str, default: Language) -> Iterator[tuple[Language | None, str]]:
    """Yield the sentences with their languages; a mixed one in its pieces.

    In an English sentence ideographs are Mandarin; in a Mandarin one a clause of English words
    is English.
    """
    for sentence in _SENTENCE.findall(text):
        language = language_of(sentence, default)
        if language == "en" and _HAN.search(sentence):
            pieces = enumerate(_MANDARIN_ISLAND.split(sentence))  # English at even indices
            yield from (("zh" if index % 2 else "en", piece) for index, piece in pieces if piece)
        elif language == "zh" and _LATIN.search(sentence):
            clauses = _CLAUSE.findall(sentence)
            yield from (("en" if _is_english(clause) else "zh", clause) for clause in clauses)
        else:
            yield language, sentence


def _is_english(clause: str) -> bool:
    return not _HAN.search(clause) and len(_LATIN.findall(clause)) >= _FEWEST
