"""Finds what each stretch of a text is: a table of classes, of which the best row wins.

A row is a pattern, what may stand before and after it, and the value that it makes. At each place
where a token may begin, all rows are tried that can begin with its first character. The one with
the highest weight wins, and the longest of these; so the order of the rows means nothing, and a
new kind is a new row.

Weights: 0 is a kind that its pattern alone shows. A row with context (a word of its kind beside
it) is heavier, and a guess (any number) is lighter. Use the names below.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from seedcast.gpu_consumers.text.values import Value
from seedcast.schemas.locales import Locale

GUESS, LIKELY, PLAIN, NAMED, CERTAIN = -20, -10, 0, 10, 20
_NO_SIGN = re.compile(r"[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9\\]")  # of what is inside []
NEIGHBOURHOOD = 64  # characters before a token in which a row's `before` is searched


@dataclass(frozen=True, slots=True)
class Row:
    """A class of tokens.

    Patterns are ASCII (`\\d`, `\\w` and `\\b` mean ASCII), and case counts unless they say (?i:…).
    Each must take bounded time per place, so that any text takes linear time: repeat with bounds,
    or possessively (`\\d++`).
    """

    kind: str  # for people: what the token is
    pattern: str  # matched where a token may begin: at a run of digits or letters, or at a sign
    # None: it is not of this kind after all, and the next best row is asked.
    value: Callable[[re.Match[str], Locale], Value | None]
    weight: int = PLAIN
    before: str = ""  # a pattern for what ends where the token begins
    after: str = ""  # a pattern for what begins where the token ends
    starts: str = "0-9"  # the characters that it can begin with, as inside [] of a pattern


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch of a text that is of a kind."""

    start: int
    end: int
    kind: str
    value: Value


@dataclass(frozen=True, slots=True)
class _Compiled:
    row: Row
    match: Callable[..., re.Match[str] | None]
    before: re.Pattern[str] | None
    after: re.Pattern[str] | None

    @classmethod
    def of(cls, row: Row) -> "_Compiled":
        return cls(
            row,
            re.compile(row.pattern, re.ASCII).match,
            re.compile(rf"(?:{row.before})\Z", re.ASCII) if row.before else None,
            re.compile(row.after, re.ASCII) if row.after else None,
        )


@dataclass(frozen=True)
class Classifier:
    """The table of one language."""

    rows: Sequence[Row]
    _by_character: dict[str, tuple[_Compiled, ...]] = field(default_factory=dict, init=False)

    @cached_property
    def _compiled(self) -> list[tuple[re.Pattern[str], _Compiled]]:
        return [(re.compile(f"[{row.starts}]"), _Compiled.of(row)) for row in self.rows]

    @cached_property
    def _candidate(self) -> re.Pattern[str]:
        """Where a token may begin: a whole run of digits, one of letters, or one sign."""
        signs = {sign for row in self.rows for sign in _NO_SIGN.sub("", row.starts)}
        either = f"|[{re.escape(''.join(sorted(signs)))}]" if signs else ""
        return re.compile("[0-9]+|[A-Za-z]+" + either)

    def find(self, text: str, start: int, end: int, locale: Locale) -> Iterator[Found]:
        """Yield what has a class between two places of the text, from left to right."""
        while candidate := self._candidate.search(text, start, end):
            found = self._best(text, candidate.start(), end, locale)
            start = found.end if found else candidate.end()
            if found:
                yield found

    def _best(self, text: str, at: int, end: int, locale: Locale) -> Found | None:
        matches = [
            (row.weight, match.end(), -index, row, match)
            for index, compiled in enumerate(self._rows_for(text[at]))
            for row in (compiled.row,)
            if (match := compiled.match(text, at, end))
            and match.end() > at
            and _is_between(compiled, text, match)
        ]
        for _, stop, _, row, match in sorted(matches, key=lambda found: found[:3], reverse=True):
            value = row.value(match, locale)
            if value is not None:
                return Found(at, stop, row.kind, value)
        return None

    def _rows_for(self, character: str) -> tuple[_Compiled, ...]:
        rows = self._by_character.get(character)
        if rows is None:
            rows = tuple(row for starts, row in self._compiled if starts.match(character))
            self._by_character[character] = rows  # threads that race write the same
        return rows


def _is_between(compiled: _Compiled, text: str, match: re.Match[str]) -> bool:
    """Return True if what stands before and after a match is what its row asks for."""
    after, before = compiled.after, compiled.before
    if after and not after.match(text, match.end()):
        return False
    start = match.start()
    return not before or bool(before.search(text[max(0, start - NEIGHBOURHOOD) : start]))
