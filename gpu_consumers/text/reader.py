"""The front end of every engine: from a text to what will be said, token by token.

The steps, in order, and the module of each:

1. `marked` sets aside what markup and the lexicon decide; they come before every table.
2. `characters` folds the text to a small alphabet.
3. `language` finds runs of one language.
4. `classify` finds what each stretch of a run is, by the table of its language (`english.ROWS`,
   `mandarin.ROWS`).
5. `english.say` and `mandarin.say` put each value into words.

All of it is pure: the same text, format, locale and lexicon give the same reading in any process
and thread.
"""

import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seedcast.catalog import lexicon as lexicons
from seedcast.catalog.lexicon import Lexicon
from seedcast.catalog.markup import (
    Break,
    InvalidMarkup,
    Phonemes,
    Piece,
    SayAs,
    Substitution,
    Text,
)
from seedcast.catalog.markup_parser import parse
from seedcast.errors import InvalidRequest
from seedcast.gpu_consumers.text import characters, english, language, mandarin
from seedcast.gpu_consumers.text.characters import Folded
from seedcast.gpu_consumers.text.classify import Classifier
from seedcast.gpu_consumers.text.marked import (
    LONGEST_UNIT,
    Mark,
    join,
    value_of,
    with_point,
    with_unit,
)
from seedcast.gpu_consumers.text.plain import plain
from seedcast.gpu_consumers.text.tokens import Reading, Token
from seedcast.gpu_consumers.text.values import Number, Value, Words
from seedcast.schemas.locales import DEFAULT_LOCALES, Language, Locale
from seedcast.schemas.messages import TextFormat

if TYPE_CHECKING:
    from seedcast.settings import Settings

REVISION = 5  # raise it when the reading of any text may change; it is part of each fingerprint


@dataclass(frozen=True)
class Grammar:
    """How one language is read."""

    classifier: Classifier
    say: Callable[[Value, Locale], str]


_GRAMMARS: dict[Language, Grammar] = {
    "en": Grammar(Classifier(english.ROWS), english.say),
    "zh": Grammar(Classifier(mandarin.ROWS), mandarin.say),
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
        """Return what will be said for a text. `locale` is that of its request.

        Raises InvalidRequest if it is markup that is wrong.
        """
        pieces: tuple[Piece, ...] = (Text(text),)
        if text_format == "markup":
            pieces = _parsed(text, locale)
        if self._lexicon:
            pieces = self._lexicon.apply(pieces)
        return self._read(pieces, locale or self._locale)

    def _read(self, pieces: tuple[Piece, ...], chosen: Locale) -> Reading:
        marked = join(pieces)
        folded = characters.fold(marked.text, self._keep)
        tokens, dropped = list[Token](), folded.dropped
        for token, unspoken in self._tokens(folded, marked.marks, chosen):
            tokens.append(token)
            dropped += unspoken
        return Reading(tuple(tokens), dropped)

    def _tokens(
        self, folded: Folded, marks: Sequence[tuple[int, Mark]], chosen: Locale
    ) -> Iterator[tuple[Token, int]]:
        """Yield each token, and how many characters of a mark it drops."""
        end, waiting = 0, deque((folded.starts[place], mark) for place, mark in marks)
        for name, run in language.split_by_language(folded.text, _language(chosen)):
            start, end = end, end + len(run)
            locale = _locale_for(name, chosen)
            while waiting and waiting[0][0] < end:
                place, mark = waiting.popleft()
                yield from ((token, 0) for token in _run(folded, start, place, name, locale))
                start, limit = place + 1, min(end, waiting[0][0]) if waiting else end
                if isinstance(mark, SayAs):
                    token, start = _said_as(mark, folded, start, limit, name, locale)
                    yield token, 0
                else:
                    yield from self._marked(mark, name, locale)
            yield from ((token, 0) for token in _run(folded, start, end, name, locale))

    def _marked(
        self, mark: Break | Substitution | Phonemes, name: Language, locale: Locale
    ) -> Iterator[tuple[Token, int]]:
        match mark:
            case Break(seconds):
                yield Token("", "break", name, " ", pause=seconds), 0
            case Substitution(source, alias):
                said = self._read((Text(alias),), locale)
                for index, token in enumerate(said.tokens):
                    written, lost = ("", 0) if index else (source, said.unspoken)
                    words = f" {token.words} "
                    yield replace(token, source=written, kind="substitution", words=words), lost
            case Phonemes(source, alphabet, phonemes):
                said = self._read((Text(source),), locale)
                own = said.tokens[0].language if said.tokens else name
                own = "zh" if alphabet == "pinyin" else own
                yield Token(source, "phoneme", own, f" {said.spoken} ", phonemes), said.unspoken


def _said_as(
    mark: SayAs, folded: Folded, start: int, end: int, name: Language, locale: Locale
) -> tuple[Token, int]:
    """Return the token of a value, with the unit after a number, and where that unit ends."""
    grammar, value = _GRAMMARS[name], value_of(mark, locale)
    if isinstance(value, Number):
        written = with_point(value)
        text = written + folded.text[start : min(end, start + LONGEST_UNIT)]
        found = next(grammar.classifier.find(text, 0, len(text), locale), None)
        if found and found.start == 0 and found.end > len(written):
            value, unit = with_unit(value, found.value, found.end - len(written))
            source = mark.source + folded.source_of(start, start + unit)
            words = grammar.say(value, locale)
            return Token(source, mark.kind, name, f" {words} "), start + unit
    return Token(mark.source, mark.kind, name, f" {grammar.say(value, locale)} "), start


def of_settings(settings: "Settings") -> Reader:
    """Return the reader of a deployment. Raises InvalidSettings if its lexicon is wrong."""
    return Reader(lexicons.of_settings(settings), settings.locale)


def _parsed(text: str, locale: Locale | None) -> tuple[Piece, ...]:
    try:
        return parse(text, locale)
    except InvalidMarkup as error:
        raise InvalidRequest(
            "invalid_request", "field text", expected=error.expected, got=error.got
        ) from None


def _run(folded: Folded, start: int, end: int, name: Language, locale: Locale) -> Iterator[Token]:
    """Yield the tokens of a run; together their sources are what it was folded from."""
    grammar = _GRAMMARS[name]
    for found in grammar.classifier.find(folded.text, start, end, locale):
        yield from _plain(folded, start, found.start, name)
        start = found.end
        source = folded.source_of(found.start, found.end)
        words = grammar.say(found.value, locale)
        phonemes = found.value.phonemes if isinstance(found.value, Words) else ""
        yield Token(source, found.kind, name, f" {words} ", phonemes)
    yield from _plain(folded, start, end, name)


def _plain(folded: Folded, start: int, end: int, name: Language) -> Iterator[Token]:
    if start < end:
        source = folded.source_of(start, end)
        yield Token(source, "words", name, plain(folded.text[start:end]))


def _language(locale: Locale) -> Language:
    return "zh" if locale.startswith("zh") else "en"


def _locale_for(name: Language, chosen: Locale) -> Locale:
    """Return the locale for a run: the chosen one if it is of the run's language."""
    return chosen if _language(chosen) == name else DEFAULT_LOCALES[name]
