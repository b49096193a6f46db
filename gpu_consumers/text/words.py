"""Spoken words to the text that the tokenizer gets: upstream's set of characters, one canonical gap between two words.

In the end what ChatTTS.norm.Normalizer does (its character map, its homophone map, its reject pattern), with four differences for
the ear: "?" ends a sentence instead of vanishing, a hyphen inside a word is a space instead of a comma, and so is an
apostrophe's place closed up, and what has no sound is counted. Full-width marks follow ideographs, half-width ones letters.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gpu_consumers.text.alphabet import HAN, WORD, is_han
from gpu_consumers.text.tags import MARKERS

LONGEST_WORD = 40  # letters; a longer one is cut, so that no segment is longer than asked
_STOP = re.compile(r"[.。!?]")
_PAUSE = re.compile(r"[,，:;()<>|\\/~=+*…\n]|--|\s-+\s")
_APOSTROPHE = re.compile("(?<=[A-Za-z])'(?=[A-Za-z])")


@dataclass(frozen=True)
class Vocabulary:
    """What the tokenizer can take, and upstream's homophones (a character that ChatTTS misreads: one that it reads right)."""

    knows: Callable[[str], bool]
    homophones: Mapping[str, str]

    def spoken(self, word: str) -> list[str]:
        """The word, or its parts that are known; empty where nothing is."""
        if is_han(word):
            return next(
                ([form] for form in (self.homophones.get(word, word), word) if self.knows(form)), []
            )
        pieces = [word[start : start + LONGEST_WORD] for start in range(0, len(word), LONGEST_WORD)]
        return [form for piece in pieces for form in self._latin(piece)]

    def _latin(self, word: str) -> list[str]:
        known = next(([form] for form in (word, word.lower()) if self.knows(form)), None)
        return known if known is not None else [letter for letter in word if self.knows(letter)]


def canonical(text: str, vocabulary: Vocabulary) -> tuple[str, int]:
    """The text with markers of control tokens still in it, and how many characters the tokenizer does not know."""
    parts: list[str] = []
    unknown, end = 0, 0
    previous, gap = "", ""
    text = _APOSTROPHE.sub("", text)
    for match in WORD.finditer(text):
        word = match.group()
        gap, end = gap + text[end : match.start()], match.end()
        spoken = vocabulary.spoken(word)
        unknown += len(word) - sum(map(len, spoken))
        if spoken:
            parts += [*_gap(previous, gap), *spoken]
            previous, gap = spoken[-1], ""
    parts += [
        part for part in _gap(previous, gap + text[end:]) if part not in "，、,"
    ]  # a pause at the end is no pause
    return _tighten(parts), unknown


def _gap(previous: str, gap: str) -> list[str]:
    """At most one mark, the strongest, and each control token once, in the order in which they came."""
    tokens = "".join(dict.fromkeys(character for character in gap if character in MARKERS))
    mark = _mark(previous, gap)
    first = next(
        (
            character
            for character in gap
            if character in MARKERS or not (character.isspace() or character in "-'_^")
        ),
        "",
    )
    ordered = [tokens, mark] if first and first in MARKERS else [mark, tokens]
    return [part for part in ordered if part]


def _mark(previous: str, gap: str) -> str:
    if not previous:
        return ""
    full = is_han(previous)
    if _STOP.search(gap):
        return "。" if full else "."
    if _PAUSE.search(gap):
        return "，" if full else ","
    return ("、" if full else ",") if "、" in gap else ""


def _tighten(parts: list[str]) -> str:
    """Spaces only between two Latin words, and between one and an ideograph."""
    joined = " ".join(parts)
    joined = re.sub(r" (?=[,.，。、])", "", joined)
    joined = re.sub(rf"(?<=[{HAN}，。、{MARKERS}]) (?=[{HAN}{MARKERS}])", "", joined)
    return re.sub(r"(?<=[，。、]) ", "", joined)
