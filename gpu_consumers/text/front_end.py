"""The text front end as one class: from the text of a request to segments for the tokenizer.

The steps, in order, and the module of each:

1. `tags` sets the allowed control tokens aside; `characters` folds the rest to a small alphabet.
2. `abbreviations` expands English words that are written short.
3. `language` finds runs of one language.
4. `mandarin` and `english` replace what is written (figures, signs) by what is spoken.
5. `words` keeps what the tokenizer knows, and normalises the gaps between words.
6. `split` cuts the result into segments of bounded duration.

All of it is pure: the same text, speed and slot size give the same segments in any process and
thread. It needs no torch and does not import ChatTTS. ChatTTS's homophone map is read as a data
file, so that a test needs neither weights nor a compiler.
"""

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from seedcast.errors import EngineFailed, InvalidRequest
from seedcast.gpu_consumers.text import (
    abbreviations,
    characters,
    english,
    language,
    mandarin,
    split,
    tags,
)
from seedcast.gpu_consumers.text.alphabet import WORD
from seedcast.gpu_consumers.text.split import Segment
from seedcast.gpu_consumers.text.words import Vocabulary, canonicalise

REVISION = 3  # raise it when the result for any text may change; it is part of the fingerprint
LONGEST_REQUEST = 300  # seconds, pauses included
_PARAGRAPH_END = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_VERBALISERS = {"zh": mandarin.verbalise, "en": english.verbalise}


@dataclass(frozen=True)
class Prepared:
    """The result for one text."""

    segments: tuple[Segment, ...]  # at least one
    unspoken: int  # characters without a sound, punctuation, white space and controls apart


class FrontEnd:
    """Prepares texts for one engine; safe to use from several threads.

    `knows` tells whether the tokenizer has a character or a word; it must be pure.
    `longest` is the upper bound of one segment, in seconds at speed 1.
    """

    def __init__(self, knows: Callable[[str], bool], *, longest: float = 15.0) -> None:
        homophones = homophones_file().read_bytes()
        self._vocabulary = Vocabulary(lru_cache(maxsize=1 << 16)(knows), json.loads(homophones))
        self._longest = round(longest * 1000)
        self.version = (
            f"frontend-{REVISION}"
            f" wetext-{version('wetext')}"
            f" kaldifst-{version('kaldifst')}"
            f" unicode-{unicodedata.unidata_version}"
            f" homophones-{hashlib.sha256(homophones).hexdigest()[:16]}"
        )

    def prepare(self, text: str, speed: float = 1.0, slot_seconds: float = math.inf) -> Prepared:
        """Return the segments of a text.

        `speed` only affects whether the text is too long. `slot_seconds` is how much speech, at
        speed 1, a slot can hold; segments are at most that long.

        Raises InvalidRequest: nothing_to_speak, or text_too_long (over 300 s expected at `speed`).
        """
        folded = [
            tags.protect(paragraph, characters.fold) for paragraph in _PARAGRAPH_END.split(text)
        ]
        whole_text = " ".join(paragraph for paragraph, _ in folded)
        default = language.language_of(whole_text) or "en"
        spoken = [self._verbalise(paragraph, default) for paragraph, _ in folded]
        longest = self._longest_segment(slot_seconds)
        segments = [
            segment
            for paragraph, _ in spoken
            if WORD.search(paragraph)
            for segment in split.split_paragraph(tags.restore(paragraph), longest)
        ]
        unspoken = sum(dropped for _, dropped in [*folded, *spoken])
        return Prepared(_checked(segments, speed), unspoken)

    def finer(self, segment: Segment) -> tuple[Segment, ...]:
        """Return two shorter segments that say the same; () if the segment is a single word."""
        return split.finer(segment)

    def _longest_segment(self, slot_seconds: float) -> int:
        """Return the longest allowed segment in milliseconds."""
        if not math.isfinite(slot_seconds):
            return self._longest
        return min(self._longest, math.floor(slot_seconds * 1000))

    def _verbalise(self, paragraph: str, default: language.Language) -> tuple[str, int]:
        """Return the paragraph as words that the tokenizer knows, and how many characters it lost.

        Control tokens are still markers in it.
        """
        expanded = abbreviations.expand(paragraph)
        runs = language.split_by_language(expanded, default)
        words = "".join(_VERBALISERS[name](run) for name, run in runs)
        return canonicalise(words, self._vocabulary)


def _checked(segments: list[Segment], speed: float) -> tuple[Segment, ...]:
    """Return the segments, the last one without a pause.

    Raises InvalidRequest if there are none, or if they last over LONGEST_REQUEST.
    """
    if not segments:
        raise InvalidRequest(
            "nothing_to_speak",
            "the text has no word",
            expected="letters, ideographs or digits that ChatTTS knows",
            got="none",
            remedy="write it in Mandarin or English",
        )
    seconds = sum(segment.seconds / speed + segment.pause for segment in segments)
    if seconds > LONGEST_REQUEST:
        raise InvalidRequest(
            "text_too_long",
            "the text is too long",
            expected=f"at most {LONGEST_REQUEST} s of speech",
            got=f"about {seconds:.0f} s",
            remedy="split it",
        )
    return (*segments[:-1], replace(segments[-1], pause=0.0))


def homophones_file() -> Path:
    """Return the path of ChatTTS's homophone map, without importing ChatTTS (it would load torch).

    Raises EngineFailed if ChatTTS is not installed.
    """
    spec = find_spec("ChatTTS")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise EngineFailed("ChatTTS is not installed", remedy="pip install seedcast[chattts]")
    return Path(folders[0], "res", "homophones_map.json")
