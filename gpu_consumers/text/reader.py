"""The front end of every engine: from a text to what will be said, token by token.

The steps, in order, and the module of each:

1. `characters` folds the text to a small alphabet.
2. `language` finds runs of one language.
3. `classify` finds what each stretch of a run is, by the table of its language (`english.ROWS`,
   `mandarin.ROWS`); markup and the lexicon come before every table.
4. `english.say` and `mandarin.say` put each value into words.

All of it is pure: the same text, format, locale and lexicon give the same reading in any process
and thread.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from seedcast.gpu_consumers.text import characters, english, language, mandarin
from seedcast.gpu_consumers.text.characters import Folded
from seedcast.gpu_consumers.text.classify import Classifier, Found
from seedcast.gpu_consumers.text.tokens import Reading, Token
from seedcast.gpu_consumers.text.values import Value, Words
from seedcast.schemas.locales import DEFAULT_LOCALES, Language, Locale

REVISION = 4  # raise it when the reading of any text may change; it is part of each fingerprint
TextFormat = Literal["plain", "markup"]


class Lexicon(Protocol):
    """Readings that come before every class."""

    @property
    def version(self) -> str:
        """Covers everything that a reading depends on."""

    def find(self, text: str, start: int, end: int) -> Iterator[Found]:
        """Yield its entries between two places of a folded text, from left to right."""


@dataclass(frozen=True)
class Grammar:
    """How one language is read."""

    classifier: Classifier
    say: Callable[[Value, Locale], str]
    plain: Callable[[str], str]  # what is said for a stretch without a class


_GRAMMARS: dict[Language, Grammar] = {
    "en": Grammar(Classifier(english.ROWS), english.say, english.plain),
    "zh": Grammar(Classifier(mandarin.ROWS), mandarin.say, mandarin.plain),
}


class Reader:
    """Reads texts for one deployment; safe to use from several threads.

    `locale` is that of texts which name none; `keep` are characters which pass as they are.
    """

    def __init__(
        self, lexicon: Lexicon | None = None, locale: Locale = "en-US", *, keep: str = ""
    ) -> None:
        self._lexicon, self._locale, self._keep = lexicon, locale, keep
        self.version = " ".join(
            (
                f"reader-{REVISION}",
                f"unicode-{unicodedata.unidata_version}",
                *mandarin.VERSIONS,
                f"locale-{locale}",
                *((f"lexicon-{lexicon.version}",) if lexicon else ()),
            )
        )

    def read(
        self, text: str, text_format: TextFormat = "plain", locale: Locale | None = None
    ) -> Reading:
        """Return what will be said for a text. `locale` is that of its request."""
        folded = characters.fold(text, self._keep)
        chosen = locale or self._locale
        tokens = tuple(self._tokens(folded, (), chosen))
        return Reading(tokens, folded.dropped)

    def _tokens(self, folded: Folded, fixed: Sequence[Found], chosen: Locale) -> Iterator[Token]:
        end = 0
        for name, run in language.split_by_language(folded.text, _language(chosen)):
            start, end = end, end + len(run)
            yield from self._run(folded, start, end, name, _locale_for(name, chosen))

    def _run(
        self, folded: Folded, start: int, end: int, name: Language, locale: Locale
    ) -> Iterator[Token]:
        """Yield the tokens of a run; together their sources are what it was folded from."""
        grammar = _GRAMMARS[name]
        for found in grammar.classifier.find(folded.text, start, end, locale):
            yield from _plain(folded, start, found.start, name, grammar)
            start = found.end
            source = folded.source_of(found.start, found.end)
            words = grammar.say(found.value, locale)
            phonemes = found.value.phonemes if isinstance(found.value, Words) else ""
            yield Token(source, found.kind, name, f" {words} ", phonemes)
        yield from _plain(folded, start, end, name, grammar)


def _plain(
    folded: Folded, start: int, end: int, name: Language, grammar: Grammar
) -> Iterator[Token]:
    if start < end:
        source = folded.source_of(start, end)
        yield Token(source, "words", name, grammar.plain(folded.text[start:end]))


def _language(locale: Locale) -> Language:
    return "zh" if locale.startswith("zh") else "en"


def _locale_for(name: Language, chosen: Locale) -> Locale:
    """Return the locale for a run: the chosen one if it is of the run's language."""
    return chosen if _language(chosen) == name else DEFAULT_LOCALES[name]
