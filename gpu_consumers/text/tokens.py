"""What will be said, and why: the result of the reader, for every engine."""

import re
from dataclasses import dataclass

from seedcast.gpu_consumers.text.alphabet import FULL_MARKS, HAN
from seedcast.schemas.locales import Language


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of the text, and how it is said."""

    source: str  # as it is written, in Unicode's normal form C
    kind: str  # "words", or the kind of its class: code, telephone, date; "break" for a pause
    language: Language
    words: str  # what is said, marks included: no digits, no signs
    phonemes: str = ""  # how, where an engine can: pinyin with tone numbers, or IPA
    pause: float = 0.0  # seconds of silence, instead of words


@dataclass(frozen=True)
class Reading:
    """A whole text as it will be said."""

    tokens: tuple[Token, ...]
    unspoken: int  # characters that have a sound for somebody, but not here

    @property
    def spoken(self) -> str:
        """Return the words on one line, with the marks between them."""
        return tidy("".join(token.words for token in self.tokens))


_GAPS = re.compile(r"\s+")
_NO_GAP = re.compile(rf" (?=[{FULL_MARKS},.;:!?%)])|(?<=[{FULL_MARKS}(]) |(?<=[{HAN}]) (?=[{HAN}])")


def tidy(text: str) -> str:
    """Return the text with one space between words, none beside marks and ideographs."""
    return _NO_GAP.sub("", _GAPS.sub(" ", text)).strip()
