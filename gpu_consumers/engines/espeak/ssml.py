"""What espeak is told: a reading as SSML, each run of one language in the voice of that language.

An opening <voice> ends the clause before it, without a pause and without the fall of a sentence's
end: a number before a run of the other language stays at 185 Hz, as it does before another word,
where it falls to 155 Hz at a sentence's end. A closing </voice> lets it fall, so none is written;
espeak needs none. Speaker, pitch and rate stay.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from seedcast.gpu_consumers.engines.espeak import phonemes
from seedcast.gpu_consumers.engines.espeak.ideographs import MISREAD, PINYIN
from seedcast.gpu_consumers.text.alphabet import HAN
from seedcast.gpu_consumers.text.tokens import Reading, Token

_MANDARIN, _ENGLISH = "cmn", "en-us"
_VOICES = {"zh": _MANDARIN, "en": _ENGLISH}
_MARKS = re.compile(r"[\s,.;:!?，。、；：！？…]*")
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")  # a word, since letters stand alone; espeak would spell it
# Its own Mandarin voice says English words unstressed, and low.
_LATIN = re.compile(r"([A-Za-z](?:[A-Za-z' -]*[A-Za-z])?)")
# It loses words of a clause over 800 bytes, and letters of a word over 130.
_LONG_CLAUSE = re.compile(rf"(?:[{HAN}] *){{40}}(?=[{HAN}])")
_LONG_WORD = re.compile("[A-Za-z]{40}(?=[A-Za-z])")
_LETTER_A = re.compile(r"\bA\b")
_LETTER_A_IN_WORDS = re.compile(r"\bA\b(?!'| +[A-Za-z]{2})")  # elsewhere it is the article
# Brackets would begin espeak's phonemes, and control characters its commands.
_UNSAFE: dict[int, str | None] = dict.fromkeys([*range(32), 127, ord("["), ord("]")], " ")


@dataclass(frozen=True)
class Speech:
    """One utterance for espeak, without a speaker."""

    language: str  # espeak's voice at the beginning
    ssml: str
    unspoken: int = 0  # characters of the text that have no sound


def to_ssml(reading: Reading, unread: Collection[str] = ()) -> Speech:
    """Return what espeak is told for a reading. The characters in `unread` have no sound."""
    without = _UNSAFE | dict.fromkeys(map(ord, unread))
    pieces = [piece for token in reading.tokens for piece in _pieces(token, without)]
    (language, ssml), *others = _runs(pieces) or [(_ENGLISH, "")]
    ssml += "".join(f' <voice xml:lang="{other}">{run}' for other, run in others)
    lost = sum(character in unread for token in reading.tokens for character in token.words)
    return Speech(language, ssml, reading.unspoken + lost)


def _pieces(token: Token, without: dict[int, str | None]) -> Iterator[tuple[str, str]]:
    """Yield the SSML of a token, each with its voice."""
    if token.pause:
        yield _VOICES[token.language], f'<break time="{round(token.pause * 1000)}ms"/>'
    elif names := phonemes.of_pinyin(token.phonemes):
        yield _MANDARIN, f" [[{names}]] "
    elif names := phonemes.of_ipa(token.phonemes):
        yield _ENGLISH, f" [[{names}]] "
    else:
        words = token.words.translate(without)
        for part in _LATIN.split(words) if token.language == "zh" else [words]:
            if _LATIN.fullmatch(part) or token.language == "en":
                yield _ENGLISH, _english(part, token.kind)
            elif part:
                yield _MANDARIN, _mandarin(part)


def _mandarin(words: str) -> str:
    words = MISREAD.sub(_respelled, _LONG_CLAUSE.sub(r"\g<0>\n", escape(words)))
    return words.replace("\n", '<break time="1ms"/>')


def _english(words: str, kind: str) -> str:
    words = _LONG_WORD.sub(r"\g<0> ", words)
    words = _CAPITALS.sub(lambda word: word.group().lower(), words)
    letter = _LETTER_A_IN_WORDS if kind == "words" else _LETTER_A
    return letter.sub("[['eI]]", escape(words))


def _respelled(match: re.Match[str]) -> str:
    return f" [[{phonemes.of_pinyin(PINYIN[match.group()])}]] "


def _runs(pieces: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join the pieces of one voice.

    A mark at the beginning of a run ends the run before: behind a <voice> espeak ignores it.
    """
    runs: list[tuple[str, str]] = []
    for voice, piece in pieces:
        if runs and runs[-1][0] != voice:
            mark = _MARKS.match(piece)
            end = mark.end() if mark else 0
            runs[-1] = (runs[-1][0], runs[-1][1] + piece[:end])
            piece = piece[end:]
        if not piece:
            continue
        if runs and runs[-1][0] == voice:
            piece = runs.pop()[1] + piece
        runs.append((voice, piece))
    return runs
