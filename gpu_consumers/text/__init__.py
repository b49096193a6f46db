"""The text front end: a request's text to what the tokenizer gets, in segments.

fold characters (`characters`), set control tokens aside (`tags`), find runs of one language (`language`), turn what is
written into what is spoken (`mandarin`, `english`), keep what the tokenizer knows (`words`), cut (`split`).
Pure: the same text, speed and room give the same segments in any process and thread. No torch, and ChatTTS is not imported: its homophone
map is read as data, so that a test needs neither weights nor a compiler.
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

from gpu_consumers.text import abbreviations, characters, english, language, mandarin, split, tags
from gpu_consumers.text.alphabet import WORD
from gpu_consumers.text.split import Segment
from gpu_consumers.text.words import Vocabulary, canonical
from seedcast.errors import EngineFailed, InvalidRequest

__all__ = ["FrontEnd", "Prepared", "Segment"]

REVISION = 2  # raise it when a text may come out otherwise: it is part of the fingerprint
LONGEST_REQUEST = 300  # seconds, pauses included
_PARAGRAPH = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_READERS = {"zh": mandarin.read, "en": english.read}


@dataclass(frozen=True)
class Prepared:
    segments: tuple[Segment, ...]  # never empty
    unspoken: int  # characters of the text that have no sound; punctuation, white space and control characters do not count


class FrontEnd:
    """`knows` says whether the tokenizer has a character or a word; it must be pure. `longest`: seconds of one segment."""

    def __init__(self, knows: Callable[[str], bool], *, longest: float = 15.0) -> None:
        data = homophones_file().read_bytes()
        self._vocabulary = Vocabulary(lru_cache(maxsize=1 << 16)(knows), json.loads(data))
        self._longest = round(longest * 1000)
        self.version = (
            f"frontend-{REVISION} wetext-{version('wetext')} kaldifst-{version('kaldifst')} unicode-{unicodedata.unidata_version} "
            f"homophones-{hashlib.sha256(data).hexdigest()[:16]}"
        )

    def prepare(self, text: str, speed: float = 1.0, room: float = math.inf) -> Prepared:
        """`room`: seconds at speed 1 that a slot can hold. Raises InvalidRequest: nothing_to_speak, text_too_long (over 300 s expected at `speed`)."""
        longest = (
            min(self._longest, math.floor(room * 1000)) if math.isfinite(room) else self._longest
        )
        folded = [tags.protect(paragraph, characters.fold) for paragraph in _PARAGRAPH.split(text)]
        default = language.language_of(" ".join(paragraph for paragraph, _ in folded)) or "en"
        spoken = [self._spoken(paragraph, default) for paragraph, _ in folded]
        paragraphs = [tags.reveal(paragraph) for paragraph, _ in spoken if WORD.search(paragraph)]
        segments = [
            segment for paragraph in paragraphs for segment in split.segments(paragraph, longest)
        ]
        return Prepared(_bounded(segments, speed), sum(lost for _, lost in [*folded, *spoken]))

    def finer(self, segment: Segment) -> tuple[Segment, ...]:
        """The same in two shorter segments; () where it cannot be split."""
        return split.finer(segment)

    def _spoken(self, paragraph: str, default: language.Language) -> tuple[str, int]:
        full = abbreviations.expand(paragraph)
        words = "".join(_READERS[name](run) for name, run in language.runs(full, default))
        return canonical(words, self._vocabulary)


def _bounded(segments: list[Segment], speed: float) -> tuple[Segment, ...]:
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
    """Found without importing ChatTTS, which would load torch."""
    spec = find_spec("ChatTTS")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise EngineFailed("ChatTTS is not installed", remedy="pip install seedcast[chattts]")
    return Path(folders[0], "res", "homophones_map.json")
