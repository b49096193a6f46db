"""Spoken words to the text for the tokenizer, in upstream's characters and with regular gaps.

The result is what ChatTTS.norm.Normalizer gives (its character map, its homophone map, its reject
pattern), with four differences that can be heard:

- "?" ends a sentence instead of vanishing.
- A hyphen inside a word becomes a space instead of a comma.
- An apostrophe inside a word is dropped, and the letters around it are joined.
- What has no sound is counted.

Full-width marks follow ideographs, half-width ones follow letters.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seedcast.gpu_consumers.text.alphabet import HAN, WORD, is_han
from seedcast.gpu_consumers.text.tags import MARKERS

LONGEST_WORD = 40  # letters; a longer word is cut, so that no segment is longer than asked
_STOP = re.compile(r"[.。!?]")
_PAUSE = re.compile(r"[,，:;()<>|\\/~=+*…\n]|--|\s-+\s")
_APOSTROPHE = re.compile("(?<=[A-Za-z])'(?=[A-Za-z])")


@dataclass(frozen=True)
class Vocabulary:
    """What the tokenizer knows, and upstream's homophones.

    A homophone maps a character that ChatTTS misreads to one that sounds the same and is read
    right.
    """

    knows: Callable[[str], bool]
    homophones: Mapping[str, str]

    def known_parts(self, word: str) -> list[str]:
        """Return the word, or those of its parts that are known; empty if none is."""
        if is_han(word):
            forms = (self.homophones.get(word, word), word)
            return next(([form] for form in forms if self.knows(form)), [])
        pieces = [word[start : start + LONGEST_WORD] for start in range(0, len(word), LONGEST_WORD)]
        return [part for piece in pieces for part in self._known_latin(piece)]

    def _known_latin(self, word: str) -> list[str]:
        """Return the word as it is or in lower case, else its known letters."""
        for form in (word, word.lower()):
            if self.knows(form):
                return [form]
        return [letter for letter in word if self.knows(letter)]


def canonicalise(text: str, vocabulary: Vocabulary) -> tuple[str, int]:
    """Return the text for the tokenizer, and how many characters the tokenizer does not know.

    Control tokens are still markers in it.
    """
    parts: list[str] = []
    unknown, end = 0, 0
    previous, gap = "", ""
    text = _APOSTROPHE.sub("", text)
    for match in WORD.finditer(text):
        word = match.group()
        gap, end = gap + text[end : match.start()], match.end()
        known = vocabulary.known_parts(word)
        unknown += len(word) - sum(map(len, known))
        if known:
            parts += [*_gap_parts(previous, gap), *known]
            previous, gap = known[-1], ""
    last_gap = _gap_parts(previous, gap + text[end:])
    parts += [part for part in last_gap if part not in "，、,"]  # a text does not end with a pause
    return _join(parts), unknown


def _gap_parts(previous: str, gap: str) -> list[str]:
    """Return the strongest mark of a gap, and each of its control tokens once, in their order.

    The tokens are before the mark if a token is the first of the gap.
    """
    tokens = "".join(dict.fromkeys(character for character in gap if character in MARKERS))
    mark = _mark(previous, gap)
    audible = (character for character in gap if not _is_filler(character))
    token_is_first = next(audible, "\0") in MARKERS
    ordered = [tokens, mark] if token_is_first else [mark, tokens]
    return [part for part in ordered if part]


def _is_filler(character: str) -> bool:
    return character.isspace() or character in "-'_^"


def _mark(previous: str, gap: str) -> str:
    """Return the mark for a gap after the word `previous`; none if there is no such word."""
    if not previous:
        return ""
    full = is_han(previous)
    if _STOP.search(gap):
        return "。" if full else "."
    if _PAUSE.search(gap):
        return "，" if full else ","
    return ("、" if full else ",") if "、" in gap else ""


def _join(parts: list[str]) -> str:
    """Join with spaces, but only between two Latin words, or between one and an ideograph."""
    joined = " ".join(parts)
    joined = re.sub(r" (?=[,.，。、])", "", joined)
    joined = re.sub(rf"(?<=[{HAN}，。、{MARKERS}]) (?=[{HAN}{MARKERS}])", "", joined)
    return re.sub(r"(?<=[，。、]) ", "", joined)
