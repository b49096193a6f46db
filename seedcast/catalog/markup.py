"""Markup, for texts that say so: what it means, and how it is written. Plain text is never parsed.

    <say-as interpret-as="money" format="CNY">12.50</say-as>    kinds and formats: `say_as.KINDS`
    <break time="500ms"/>                                       up to 10 s each, 60 s in all
    <sub alias="World Wide Web Consortium">W3C</sub>
    <phoneme alphabet="pinyin" ph="huan2 qian2">还钱</phoneme>  or alphabet="ipa"

It is a small subset of SSML. Elements stand beside each other, never inside one another; `<speak>`
may be around the whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape as escape_xml  # writes only; reading is `markup_parser`'s

from seedcast.catalog.say_as import Parts

# What a parser of XML would fold, in a text or in an attribute.
_ESCAPES = {'"': "&quot;", "'": "&apos;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_NOT_XML = str.maketrans("\ufffe\uffff", "\ufffd\ufffd")  # no characters: nothing can write them


@dataclass(frozen=True, slots=True)
class Text:
    """What the front end reads as it reads plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class SayAs:
    """A value of a kind; `parts` are as the kind's function in `say_as` documents them."""

    kind: str
    source: str
    parts: Parts
    format: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    seconds: float


@dataclass(frozen=True, slots=True)
class Substitution:
    """The alias is said instead of the source. It is read as plain text, without a lexicon."""

    source: str
    alias: str


@dataclass(frozen=True, slots=True)
class Phonemes:
    """How the source sounds. An engine that cannot say it so reads the source."""

    source: str
    alphabet: str  # "ipa", or "pinyin" with tone numbers, a space between syllables
    phonemes: str


Piece = Text | SayAs | Break | Substitution | Phonemes


class InvalidMarkup(Exception):
    """Quotes only names of tags and attributes: the text is personal data."""

    def __init__(self, expected: str, got: str, position: int) -> None:
        """`position`: the character where the error is, counted from 1."""
        self.expected, self.got = expected, f"{got} at character {position}"
        super().__init__(f"expected {self.expected}, got {self.got}")


def escape(value: str) -> str:
    """Return markup that says the value, whatever it contains: in a text or in an attribute."""
    return escape_xml(value.translate(_NOT_XML), _ESCAPES)


def say_as(kind: str, value: str, detail: str = "") -> str:
    """Return the markup of a value of a kind."""
    detail = f' format="{escape(detail)}"' if detail else ""
    return f'<say-as interpret-as="{escape(kind)}"{detail}>{escape(value)}</say-as>'


def write(pieces: Iterable[Piece]) -> str:
    """Return the markup of pieces, which its parser gives back."""
    return "".join(map(_written, pieces))


def _written(piece: Piece) -> str:
    match piece:
        case Text(text):
            return escape(text)
        case SayAs(kind, source, _, format):
            return say_as(kind, source, format)
        case Break(seconds):
            return f'<break time="{round(seconds * 1000)}ms"/>'
        case Substitution(source, alias):
            return f'<sub alias="{escape(alias)}">{escape(source)}</sub>'
        case Phonemes(source, alphabet, phonemes):
            attributes = f'alphabet="{alphabet}" ph="{escape(phonemes)}"'
            return f"<phoneme {attributes}>{escape(source)}</phoneme>"


def sources(pieces: Iterable[Piece]) -> list[str]:
    """Return the texts of the pieces: what is said, and of phonemes what they stand for."""
    return [
        piece.text
        if isinstance(piece, Text)
        else piece.alias
        if isinstance(piece, Substitution)
        else piece.source
        for piece in pieces
        if not isinstance(piece, Break)
    ]
