"""ChatTTS's front end: from the text of a request to segments for its tokenizer.

The steps, in order, and the module of each:

1. `tags` sets the allowed control tokens aside.
2. `reader` finds what is said; it is the same for every engine.
3. `contractions` and `words` write it with what the tokenizer knows, and normalise the gaps.
4. `split` cuts the result into segments of bounded duration.

All of it is pure: the same text, speed and slot size give the same segments in any process and
thread. It needs no torch and does not import ChatTTS. ChatTTS's homophone map is read as a data
file, so that a test needs neither weights nor a compiler.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from seedcast.catalog.lexicon import Lexicon
from seedcast.errors import EngineFailed, InvalidRequest
from seedcast.gpu_consumers.longest_speech import LONGEST
from seedcast.gpu_consumers.text import contractions, split, tags
from seedcast.gpu_consumers.text.alphabet import WORD
from seedcast.gpu_consumers.text.reader import Reader
from seedcast.gpu_consumers.text.split import Segment
from seedcast.gpu_consumers.text.tokens import Reading
from seedcast.gpu_consumers.text.words import Vocabulary, canonicalise
from seedcast.schemas.locales import Locale
from seedcast.schemas.messages import TextFormat

REVISION = 4  # raise it when the segments of any reading may change; it is in the fingerprint


@dataclass(frozen=True)
class Prepared:
    """The result for one text."""

    segments: tuple[Segment, ...]  # at least one
    unspoken: int  # characters without a sound, punctuation, white space and controls apart


class FrontEnd:
    """Prepares texts for one engine; safe to use from several threads.

    `knows` tells whether the tokenizer has a character or a word; it must be pure.
    `longest` is the upper bound of one segment, in seconds at speed 1; `longest_request` that of
    a request, in seconds at its speed, pauses included.
    """

    def __init__(
        self,
        knows: Callable[[str], bool],
        *,
        longest: float = 15.0,
        longest_request: int = LONGEST,
        lexicon: Lexicon | None = None,
        locale: Locale = "en-US",
    ) -> None:
        homophones = homophones_file().read_bytes()
        self._vocabulary = Vocabulary(lru_cache(maxsize=1 << 16)(knows), json.loads(homophones))
        self._longest, self._longest_request = round(longest * 1000), longest_request
        self._reader = Reader(lexicon, locale, keep=tags.MARKERS)
        self.version = (
            f"frontend-{REVISION} {self._reader.version}"
            f" homophones-{hashlib.sha256(homophones).hexdigest()[:16]}"
        )

    def prepare(
        self,
        text: str,
        speed: float = 1.0,
        slot_seconds: float = math.inf,
        text_format: TextFormat = "plain",
        locale: Locale | None = None,
    ) -> Prepared:
        """Return the segments of a text.

        `speed` only affects whether the text is too long. `slot_seconds` is how much speech, at
        speed 1, a slot can hold; segments are at most that long.

        Raises InvalidRequest: nothing_to_speak, or text_too_long at `speed`.
        """
        protected, dropped = tags.protect(text)
        reading = self._reader.read(protected, text_format, locale)
        longest = self._longest_segment(slot_seconds)
        segments: list[Segment] = []
        unspoken = dropped + reading.unspoken
        for paragraph, pause, is_break in _paragraphs(reading):
            words, unknown = canonicalise(contractions.expand(paragraph), self._vocabulary)
            unspoken += unknown
            if WORD.search(words):
                segments += split.split_paragraph(tags.restore(words), longest, pause)
            elif segments and is_break:  # the second of two breaks
                segments[-1] = replace(segments[-1], pause=segments[-1].pause + pause)
        return Prepared(_checked(segments, speed, self._longest_request), unspoken)

    def finer(self, segment: Segment) -> tuple[Segment, ...]:
        """Return two shorter segments that say the same; () if the segment is a single word."""
        return split.finer(segment)

    def _longest_segment(self, slot_seconds: float) -> int:
        """Return the longest allowed segment in milliseconds."""
        if not math.isfinite(slot_seconds):
            return self._longest
        return min(self._longest, math.floor(slot_seconds * 1000))


def _paragraphs(reading: Reading) -> Iterator[tuple[str, float, bool]]:
    """Yield the words up to a line's end or a break, the pause after them, and if it is a break.

    A break at the very beginning has nothing to be after, and is not made.
    """
    words = ""
    for token in reading.tokens:
        *ended, words = (words + token.words).split("\n")
        yield from ((paragraph, split.AFTER_PARAGRAPH, False) for paragraph in ended)
        if token.kind == "break":
            yield words, token.pause, True
            words = ""
    yield words, split.AFTER_PARAGRAPH, False


def _checked(segments: list[Segment], speed: float, longest: int) -> tuple[Segment, ...]:
    """Return the segments, the last one without a pause.

    Raises InvalidRequest if there are none, or if they last over `longest` seconds.
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
    if seconds > longest:
        raise InvalidRequest(
            "text_too_long",
            "the text is too long",
            expected=f"at most {longest} s of speech",
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
