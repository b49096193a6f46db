"""A lexicon: how words are said that nobody can know, such as names of brands. Data, in TOML.

    [[entry]]
    word = "还钱"            # or pattern = "Gate T#": # is digits, * letters or digits
    pinyin = "huan2 qian2"   # or reading = "…" (text, read as such), or ipa = "…"

A deployment has one by a setting, and a campaign by an option. An entry comes before everything
else that the front end knows. Where several begin at one place, the higher priority wins, then the
longer. Patterns are no regular expressions: each takes bounded time at each place of a text.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seedcast.catalog.lexicon_entry import WILDCARDS, Entry
from seedcast.catalog.markup import Phonemes, Piece, Substitution, Text
from seedcast.catalog.phonemes import CHECKS
from seedcast.errors import InvalidInput, InvalidSettings
from seedcast.schemas.locales import Language

if TYPE_CHECKING:
    from seedcast.settings import Settings

MAX_BYTES, MAX_ENTRIES = 2 * 1024 * 1024, 10_000
# Two letters or digits of what is written with spaces between words: not the edge of a word.
_EDGE = re.compile("[0-9A-Za-z\u00c0-\u024f]{2}")
_IDEOGRAPH = re.compile("[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Match:
    start: int
    end: int
    piece: Substitution | Phonemes


class Lexicon:
    """Finds its entries in texts; safe to use from several threads."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        ranked = sorted(entries, key=lambda entry: (-entry.priority, -len(entry.written)))
        self.size = len(ranked)
        self.version = hashlib.sha256(msgspec.json.encode(ranked)).hexdigest()[:16]
        self._words: dict[str, list[_Ranked]] = {}  # by the word in small letters
        self._patterns: dict[str, list[_Ranked]] = {}  # by the first letter
        self._lengths: dict[str, set[int]] = {}  # of the words, by the first letter
        starts = set[str]()
        for rank, entry in enumerate(ranked):
            small, first = entry.written.lower(), entry.written[0].lower()
            starts |= {entry.written[0], first, first.upper()}
            if entry.pattern is None:
                self._words.setdefault(small, []).append(_Ranked(rank, entry))
                self._lengths.setdefault(first, set()).add(len(entry.written))
            else:
                self._patterns.setdefault(first, []).append(_Ranked(rank, entry, _regex(entry)))
        letters = "".join(map(re.escape, sorted(start for start in starts if len(start) == 1)))
        self._start = re.compile(f"[{letters}]" if letters else "(?!)")

    def find(self, text: str, start: int = 0, end: int | None = None) -> Iterator[Match]:
        """Yield the entries between two places of a text, from left to right."""
        language: Language = "zh" if _IDEOGRAPH.search(text) else "en"
        end = len(text) if end is None else end
        while candidate := self._start.search(text, start, end):
            found = self._at(text, candidate.start(), end, language)
            start = found.end if found else candidate.end()
            if found:
                yield found

    def apply(self, pieces: Iterable[Piece]) -> tuple[Piece, ...]:
        """Return the pieces with each entry as one of its own; only plain text is searched."""
        return tuple(part for piece in pieces for part in self._parts(piece))

    def _parts(self, piece: Piece) -> Iterator[Piece]:
        if not isinstance(piece, Text):
            yield piece
            return
        end = 0
        for match in self.find(piece.text):
            if end < match.start:
                yield Text(piece.text[end : match.start])
            yield match.piece
            end = match.end
        if end < len(piece.text):
            yield Text(piece.text[end:])

    def _at(self, text: str, start: int, end: int, language: Language) -> Match | None:
        """Return the best of the entries that begin at a place."""
        found = [
            (ranked.rank, Match(start, stop, _piece(ranked.entry, text[start:stop], groups)))
            for ranked, stop, groups in self._beginning(text, start, end)
            if ranked.entry.language in (None, language) and _is_whole(text, start, stop)
        ]
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def _beginning(
        self, text: str, start: int, end: int
    ) -> Iterator[tuple["_Ranked", int, tuple[str, ...]]]:
        first = text[start].lower()
        for length in self._lengths.get(first, ()):
            stop = start + length
            for ranked in self._words.get(text[start:stop].lower(), ()) if stop <= end else ():
                if not ranked.entry.case or ranked.entry.word == text[start:stop]:
                    yield ranked, stop, ()
        for ranked in self._patterns.get(first, ()):
            if ranked.regex and (match := ranked.regex.match(text, start, end)):
                yield ranked, match.end(), match.groups()


@dataclass(frozen=True, slots=True)
class _Ranked:
    rank: int  # the smallest wins
    entry: Entry
    regex: re.Pattern[str] | None = None  # of a pattern


def load(path: Path | str) -> Lexicon:
    """Return the lexicon of a file. Raises InvalidInput, which names the file, entry and key."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(f"lexicon {path}", expected="a readable file", got=str(error)) from error
    if len(content) > MAX_BYTES:
        expected = f"at most {MAX_BYTES:,} bytes"
        raise InvalidInput(f"lexicon {path}", expected=expected, got=f"{len(content):,}")
    try:
        rows = msgspec.toml.decode(content, type=dict[str, list[dict[str, object]]])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:  # tomllib's are of its own
        raise InvalidInput(
            f"lexicon {path}", expected="TOML of [[entry]] tables", got=str(error)
        ) from error
    if unknown := sorted(rows.keys() - {"entry"}):
        got = f"[[{unknown[0][:64]}]]"
        raise InvalidInput(f"lexicon {path}", expected="[[entry]] tables only", got=got)
    return Lexicon(_entries(path, rows.get("entry", [])))


def of_list(path: Path | str | None) -> Lexicon | None:
    """Return the lexicon of a list; None if it has none. Raises InvalidInput."""
    return None if path is None else load(path)


def of_settings(settings: "Settings") -> Lexicon | None:
    """Return the lexicon of the deployment; None if it has none. Raises InvalidSettings."""
    if not settings.lexicon:
        return None
    try:
        return load(settings.lexicon)
    except InvalidInput as error:
        what = f"SEEDCAST_LEXICON: {error.what}"
        raise InvalidSettings(what, expected=error.expected, got=error.got) from error


def _entries(path: Path | str, rows: list[dict[str, object]]) -> list[Entry]:
    if not 1 <= len(rows) <= MAX_ENTRIES:
        expected = f"1 to {MAX_ENTRIES:,} entries"
        raise InvalidInput(f"lexicon {path}", expected=expected, got=f"{len(rows):,}")
    entries: dict[tuple[object, ...], int] = {}
    made: list[Entry] = []
    for number, row in enumerate(rows, start=1):
        where = f"lexicon {path}, entry {number}"
        try:
            entry = msgspec.convert(row, Entry)
        except msgspec.ValidationError as error:
            expected = "a word or a pattern, and a reading, pinyin or ipa"
            raise InvalidInput(where, expected=expected, got=str(error)) from error
        key = (entry.written if entry.case else entry.written.lower(), entry.language, entry.case)
        if first := entries.get(key):
            expected = f"a word of its own; {entry.written!r} is in entry {first}"
            raise InvalidInput(where, expected=expected, got="the same again")
        entries[key] = number
        made.append(entry)
    return made


def _regex(entry: Entry) -> re.Pattern[str]:
    body = "".join(WILDCARDS.get(c) or re.escape(c) for c in entry.written)
    return re.compile(body, 0 if entry.case else re.IGNORECASE)


def _is_whole(text: str, start: int, stop: int) -> bool:
    """Return False if a letter or digit at an edge continues outside."""
    return not (_EDGE.match(text[start - 1 : start + 1]) or _EDGE.match(text[stop - 1 : stop + 1]))


def _piece(entry: Entry, source: str, groups: tuple[str, ...]) -> Substitution | Phonemes:
    for alphabet in CHECKS:
        if phonemes := getattr(entry, alphabet):
            return Phonemes(source, alphabet, phonemes)
    filled = iter(groups)
    reading = entry.reading or ""
    return Substitution(
        source, re.sub("[#*]", lambda _: next(filled), reading) if groups else reading
    )
