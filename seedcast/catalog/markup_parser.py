"""Reads markup, with expat of the standard library, and refuses all that is not of the subset.

Document types, entities of one's own, processing instructions, comments, CDATA and namespaces are
refused, so nothing grows while it is read: what is read is at most as long as what is written.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NoReturn
from xml.parsers import expat

from seedcast.catalog.cannot_say import CannotSay
from seedcast.catalog.markup import (
    Break,
    InvalidMarkup,
    Phonemes,
    Piece,
    SayAs,
    Substitution,
    Text,
)
from seedcast.catalog.phonemes import CHECKS
from seedcast.catalog.say_as import KINDS, check_detail, parts_of, shape_of
from seedcast.schemas.locales import Locale

MAX_ELEMENTS = 1000
MAX_BREAK, MAX_BREAKS = 10.0, 60.0  # seconds: of one, of all together
DEFAULT_BREAK = 0.5
PLACE = "\ue000"  # stands for a value while a template is checked; XML has no such name
_ROOT = "speak"
_ROOTED = re.compile(rf"\s*<{_ROOT}>.*</{_ROOT}>\s*", re.DOTALL)
_BREAK = re.compile(r"([0-9]{1,5})ms|([0-9]{1,2}(?:\.[0-9]{1,3})?)s")
_REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"say-as": ("interpret-as",), "break": (), "sub": ("alias",), "phoneme": ("alphabet", "ph")}
)
_OPTIONAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"say-as": ("format",), "break": ("time",)}
)
_CONSTRUCTS = {  # what expat tells of, and what it is
    "StartDoctypeDeclHandler": "a document type",
    "ProcessingInstructionHandler": "a processing instruction",
    "XmlDeclHandler": "an XML declaration",
    "CommentHandler": "a comment",
    "StartCdataSectionHandler": "a CDATA section",
}


def parse(markup: str, locale: Locale | None = None) -> tuple[Piece, ...]:
    """Return the pieces in their order. Raises InvalidMarkup. `locale`: the request's."""
    return _Parser(markup, locale).parse()


class _Parser:
    def __init__(self, markup: str, locale: Locale | None) -> None:
        self._locale = locale
        self._before = "" if _ROOTED.fullmatch(markup) else f"<{_ROOT}>"
        after = self._before and f"</{_ROOT}>"
        # A lone surrogate becomes "?": who asks refuses it before, as in any text.
        self._bytes = f"{self._before}{markup}{after}".encode(errors="replace")
        self._pieces: list[Piece] = []
        self._text: list[str] = []
        self._element, self._attributes = "", dict[str, str]()
        self._began = self._depth = self._elements = 0
        self._silence = 0.0

    def parse(self) -> tuple[Piece, ...]:
        expat_parser = self._expat = expat.ParserCreate("utf-8")
        expat_parser.buffer_text = True
        expat_parser.StartElementHandler = self._start
        expat_parser.EndElementHandler = self._end
        expat_parser.CharacterDataHandler = self._text.append
        for handler, construct in _CONSTRUCTS.items():
            setattr(expat_parser, handler, self._refuser(construct))
        try:
            expat_parser.Parse(self._bytes, True)
        except expat.ExpatError as error:
            got = expat.ErrorString(error.code) or "an error"
            expected = "well-formed markup, in which &lt; stands for < and &amp; for &"
            raise self._error(expected, got, expat_parser.ErrorByteIndex) from None
        finally:
            del self._expat  # it holds this object, which would wait for the garbage collector
        return tuple(self._pieces)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth == 1:  # the root: expat lets nothing stand beside it
            return
        self._began = self._expat.CurrentByteIndex
        if self._depth > 2:
            raise self._error(f"only text inside {self._element}", _tag(name))
        if name not in _REQUIRED:
            raise self._error(f"one of {', '.join(_REQUIRED)}", _tag(name))
        if self._elements > MAX_ELEMENTS:
            raise self._error(f"at most {MAX_ELEMENTS:,} elements", "more")
        self._check_attributes(name, attributes)
        self._add_text()
        self._element, self._attributes = name, attributes

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._add_text()
            return
        source = "".join(self._text)
        self._text.clear()
        try:
            self._pieces.append(_MAKERS[self._element](self, source, self._attributes))
        except CannotSay as refusal:
            expected = f"in {self._element} {refusal}"
            raise self._error(expected, shape_of(source)) from None

    def _add_text(self) -> None:
        if self._text:
            self._pieces.append(Text("".join(self._text)))
            self._text.clear()

    def _check_attributes(self, name: str, attributes: dict[str, str]) -> None:
        required, optional = _REQUIRED[name], _OPTIONAL.get(name, ())
        known = ", ".join((*required, *optional)) or "no attribute"
        for attribute in attributes:
            if attribute not in (*required, *optional):
                raise self._error(f"in {name} {known}", _name(attribute))
        if missing := [attribute for attribute in required if attribute not in attributes]:
            raise self._error(f"in {name} {known}", f"no {missing[0]}")

    def _say_as(self, source: str, attributes: dict[str, str]) -> Piece:
        kind, detail = attributes["interpret-as"], attributes.get("format", "")
        if kind not in KINDS:
            raise self._other("interpret-as", f"one of {', '.join(KINDS)}")
        check_detail(kind, detail)
        if PLACE in source:
            return SayAs(kind, source, (), detail)
        return SayAs(kind, source, parts_of(kind, source, detail, self._locale), detail)

    def _break(self, source: str, attributes: dict[str, str]) -> Piece:
        if source:
            raise self._error("no text in break", "some")
        seconds = DEFAULT_BREAK
        if "time" in attributes:
            if not (match := _BREAK.fullmatch(attributes["time"])):
                raise self._other("time", "a time such as 500ms or 1.5s")
            seconds = int(match[1]) / 1000 if match[1] else float(match[2])
        self._silence += seconds
        if seconds > MAX_BREAK or self._silence > MAX_BREAKS:
            expected = f"at most {MAX_BREAK:.0f} s, and {MAX_BREAKS:.0f} s in all breaks"
            raise self._other("time", expected, "more")
        return Break(seconds)

    def _substitution(self, source: str, attributes: dict[str, str]) -> Piece:
        alias = attributes["alias"]
        if not any(c.isalnum() or c == PLACE for c in alias):
            raise self._other("alias", "a letter or a digit", "none")
        return Substitution(source, alias)

    def _phonemes(self, source: str, attributes: dict[str, str]) -> Piece:
        alphabet, phonemes = attributes["alphabet"], attributes["ph"]
        if alphabet not in CHECKS:
            raise self._other("alphabet", f"one of {', '.join(CHECKS)}")
        if not any(c.isalnum() or c == PLACE for c in source):
            raise CannotSay("a word")
        CHECKS[alphabet](source, phonemes)
        return Phonemes(source, alphabet, phonemes)

    def _other(self, attribute: str, expected: str, got: str = "another") -> InvalidMarkup:
        return self._error(f"as {attribute} {expected}", got)

    def _refuser(self, construct: str) -> Callable[..., NoReturn]:
        def refuse(*_: object) -> NoReturn:
            raise self._error("text and elements only", construct, self._expat.CurrentByteIndex)

        return refuse

    def _error(self, expected: str, got: str, index: int | None = None) -> InvalidMarkup:
        """Return the error at a byte of what expat reads; None: where the element begins."""
        before = self._bytes[: self._began if index is None else index].decode(errors="ignore")
        return InvalidMarkup(expected, got, max(1, len(before) - len(self._before) + 1))


def _tag(name: str) -> str:
    return f"<{_name(name)}>"


def _name(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}…"


_MAKERS: Mapping[str, Callable[[_Parser, str, dict[str, str]], Piece]] = MappingProxyType(
    {
        "say-as": _Parser._say_as,
        "break": _Parser._break,
        "sub": _Parser._substitution,
        "phoneme": _Parser._phonemes,
    }
)
