"""Roman numerals: of sovereigns, of wars, of chapters."""

import re

from seedcast.gpu_consumers.text.classify import NAMED, PLAIN, Row
from seedcast.gpu_consumers.text.values import Number, Ordinal, Sequence, Value, Words
from seedcast.schemas.locales import Locale

_SOVEREIGNS = (
    "Henry|Elizabeth|Louis|Charles|George|Edward|James|William|Richard|Paul|Pius|Benedict|Francis"
    "|Philip|Catherine|Napoleon|Nicholas|Alexander|Frederick|Peter|Ivan|Ferdinand|Leo|Gregory|Urban"
    "|Innocent|Clement|Ramses|Ramesses|Ptolemy|Mary|Victoria|Leopold|Otto|Gustav|Haakon|Harald|Carl"
    "|Felipe|Juan|Carlos|Albert|Rainier|Margrethe|Christian|Hassan|Mohammed|Abdullah|Rama|Wilhelm"
    "|Joseph|Maximilian|Rudolf|Sixtus|Boniface|Adrian|Darius|Xerxes|Cleopatra|Berenice|Amenhotep"
)
_HEADINGS = (
    "Chapter|Part|Section|Phase|Volume|Vol\\.|Type|type|Act|Book|War|Article|Level|Class|Stage|Title"
    "|Bowl|Unit|Appendix|Table|Figure|Schedule|Grade|Tier|Category|Group|Episode|Round|Step|Lesson"
    "|Module|Scene|Annex|chapter|part|section|phase|volume|stage|level|class|grade|tier|category"
)
_ROMAN = r"(?=[IVXLC])(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?![A-Za-z0-9'])"
_CLEAR = r"(?:II|III|VI|VII|VIII|XI|XII|XIII|XIV|XV|XVI|XVII|XVIII|XIX|XXI?)(?![A-Za-z0-9'])"
_LETTERS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def value_of(numeral: str) -> int:
    """Return the number of a Roman numeral."""
    numbers = [_LETTERS[letter] for letter in numeral]
    following = [*numbers[1:], 0]
    return sum(-one if one < next_ else one for one, next_ in zip(numbers, following, strict=True))


def _count(match: re.Match[str], _: Locale) -> Value:
    return Number(str(value_of(match.group())))


def _rank(match: re.Match[str], _: Locale) -> Value:
    return Sequence((Words("the"), Ordinal(str(value_of(match.group())))))


def _rank_of_century(match: re.Match[str], _: Locale) -> Value:
    return Ordinal(str(value_of(match.group())))


ROWS = (
    Row("roman", _ROMAN, _rank, NAMED, before=rf"(?<![A-Za-z])(?:{_SOVEREIGNS})\s", starts="IVXLC"),
    Row("roman", _ROMAN, _count, NAMED, before=rf"(?<![A-Za-z])(?:{_HEADINGS})\s", starts="IVXLC"),
    Row("roman", _CLEAR, _rank_of_century, PLAIN, after=r"\scentury", starts="IVX"),
    Row("roman", _CLEAR, _count, NAMED, r"(?:\A|\n)\s*", r"\.", "IVX"),
    Row("roman", _CLEAR, _count, PLAIN, before=r"[A-Z][a-z'-]+\s", starts="IVX"),
)
