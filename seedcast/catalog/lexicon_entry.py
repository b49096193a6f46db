"""One entry of a lexicon, and what is checked when its file is read. Pure."""

import re
from typing import Annotated

import msgspec

from seedcast.catalog.cannot_say import CannotSay
from seedcast.catalog.phonemes import CHECKS
from seedcast.schemas.locales import Language

WILDCARDS = {"#": "([0-9]{1,20})", "*": "([0-9A-Za-z]{1,40})"}
_MAX_WILDCARDS = 2  # more would take polynomial time
Written = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Said = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either a word or a pattern, and one way to say it."""

    word: Written | None = None
    pattern: Written | None = None
    reading: Said | None = None  # text; of a pattern, # and * repeat what they stood for
    pinyin: Said | None = None
    ipa: Said | None = None
    language: Language | None = None  # of the texts it is for; a text with an ideograph is "zh"
    case: bool = False  # True: only in these capitals and small letters
    priority: Annotated[int, msgspec.Meta(ge=-1000, le=1000)] = 0

    def __post_init__(self) -> None:
        _only_one(word=self.word, pattern=self.pattern)
        _only_one(reading=self.reading, pinyin=self.pinyin, ipa=self.ipa)
        if not self.written.isprintable() or self.written != self.written.strip():
            raise ValueError("controls or outer spaces in word or pattern")
        if self.pattern is not None:
            self._check_pattern(self.pattern)
        elif self.reading and not any(map(str.isalnum, self.reading)):
            raise ValueError("a reading without a letter or a digit")
        for alphabet in CHECKS:
            try:
                if phonemes := getattr(self, alphabet):
                    CHECKS[alphabet](self.written, phonemes)
            except CannotSay as refusal:
                raise ValueError(f"{alphabet} that is not {refusal}") from None

    def _check_pattern(self, pattern: str) -> None:
        wildcards = _wildcards(pattern)
        if not 1 <= len(wildcards) <= _MAX_WILDCARDS or pattern[0] in WILDCARDS:
            raise ValueError("a pattern without # and *, with over two, or with one that is first")
        if re.search("[#*]{2}", pattern):
            raise ValueError("a pattern with # and * side by side")
        if self.reading is None:
            raise ValueError("a pattern without a reading")
        if len(_wildcards(self.reading)) not in (0, len(wildcards)):
            raise ValueError("a reading with more or fewer # and * than its pattern")
        if not any(c.isalnum() or c in WILDCARDS for c in self.reading):
            raise ValueError("a reading without a letter or a digit")

    @property
    def written(self) -> str:
        return self.word or self.pattern or ""


def _only_one(**values: object) -> None:
    given = [name for name, value in values.items() if value is not None]
    if len(given) != 1:
        raise ValueError(
            f"{' and '.join(given)} together" if given else f"no {' or '.join(values)}"
        )


def _wildcards(text: str) -> list[str]:
    return re.findall("[#*]", text)
