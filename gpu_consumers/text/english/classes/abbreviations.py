"""Words that are written short, with and without a dot, and Roman numerals."""

import re

from seedcast.gpu_consumers.text.classify import LIKELY, NAMED, PLAIN, Row
from seedcast.gpu_consumers.text.units import any_of
from seedcast.gpu_consumers.text.values import Value, Words
from seedcast.schemas.locales import Locale

# With a dot, unless it ends the sentence, or without one.
_TITLES = {
    "Mr": "mister", "Mrs": "missus", "Ms": "miss", "Dr": "doctor", "Prof": "professor",
    "Sgt": "sergeant", "Capt": "captain", "Lt": "lieutenant", "Col": "colonel", "Gen": "general",
    "Rev": "reverend", "Hon": "honorable", "Gov": "governor", "Sen": "senator",
    "St": "saint", "Mt": "mount", "Ft": "fort", "Messrs": "messieurs",
}  # fmt: skip
STREETS = {
    "St": "street", "Ave": "avenue", "Rd": "road", "Blvd": "boulevard", "Dr": "drive",
    "Ln": "lane", "Pkwy": "parkway", "Expy": "expressway", "Expwy": "expressway", "Ct": "court",
    "Pl": "place", "Sq": "square", "Hwy": "highway", "Ter": "terrace", "Cir": "circle",
    "Bldg": "building", "Ctr": "center", "Mt": "mountain",
}  # fmt: skip
_AFTER_NAMES = {
    "Jr": "junior", "Sr": "senior", "Esq": "esquire", "Inc": "incorporated", "Ltd": "limited",
    "Corp": "corporation", "Co": "company", **STREETS,
}  # fmt: skip
_BEFORE_NUMBERS = {
    "No": "number", "Nos": "numbers", "Apt": "apartment", "Ste": "suite", "Hwy": "highway",
    "Rte": "route", "Rt": "route", "Fig": "figure", "Figs": "figures", "Sec": "section",
    "Vol": "volume", "Ch": "chapter", "Art": "article", "Ext": "extension", "ext": "extension",
    "Tel": "telephone", "tel": "telephone", "pp": "pages", "p": "page", "Rm": "room",
    "Bldg": "building", "Flt": "flight", "no": "number", "Fl": "floor", "Acct": "account",
    "Ref": "reference", "ver": "version", "Ver": "version",
}  # fmt: skip
_WITH_DOT = {
    "Dept": "department", "dept": "department", "approx": "approximately", "vs": "versus",
    "incl": "including", "excl": "excluding", "est": "estimated", "max": "maximum",
    "min": "minimum", "etc": "et cetera", "tel": "telephone", "ext": "extension",
    "Assn": "association", "Univ": "university", "govt": "government", "Govt": "government",
    "mgr": "manager", "appt": "appointment", "acct": "account", "misc": "miscellaneous",
    "hrs": "hours", "mins": "minutes", "secs": "seconds",
}  # fmt: skip
_PHRASES = {
    "e.g.": "for example", "i.e.": "that is", "w/o": "without", "w/": "with",
    "n/a": "not applicable", "N/A": "not applicable", "vs": "versus", "Ph.D": "P H D",
    "a/c": "account", "c/o": "care of", "approx": "approximately", "P.O": "P O", "PO": "P O",
    "24/7": "twenty four seven", "and/or": "and or", "A/c": "account", "A/C": "A C", "hrs": "hours",
    "mins": "minutes", "WWII": "World War two", "WWI": "World War one",
    "50/50": "fifty fifty", "20/20": "twenty twenty", "24-7": "twenty four seven",
}  # fmt: skip
# What a dot does besides: it ends the sentence where a capital, or nothing, follows.
DOT_INSIDE = r"(?:\.(?!\s*\Z|\s+[A-Z\"]|\s*\n))?"
# U.S., a.m.: no dot is left but that of the sentence; after J.P. comes a name, not a sentence.
_ENDING = frozenset(
    ("am", "dc", "eu", "la", "md", "ny", "pc", "phd", "pm", "uk", "un", "us", "usa")
)
_INITIALS = r"(?<![A-Za-z.])(?:[A-Za-z]\.){1,9}[A-Za-z](?![A-Za-z])(?:\.(?!\s*\Z)|)"
NAME = r"[A-Z][\w'-]*"
_CJK = "\u4e00-\u9fff"
# Words that begin a sentence and no name: after "Elm St." stands one of them, after "St." a saint.
_STARTERS = (
    r"(?:A|All|An|And|Any|As|At|Bring|But|Call|Check|Do|Doors|For|From|He|I|If|In|It|Its|No|Not|Now"
    r"|On|Our|Parking|Please|Reply|See|She|Text|The|Then|There|They|This|To|Use|Visit|We|Your?)\b"
)


def _first_letters(table: dict[str, str]) -> str:
    return "".join(sorted({word[0] for word in table}))


def words_row(
    kind: str, table: dict[str, str], rest: str, weight: int = PLAIN, **context: str
) -> Row:
    """Return the row of a table of words; `rest` is what the pattern has after one of them."""
    return Row(
        kind,
        rf"(?<![A-Za-z.@/&-])({any_of(list(table))}){rest}",
        lambda match, _: Words(table[match[1]]),
        weight,
        starts=_first_letters(table),
        **context,
    )


def _initials(match: re.Match[str], _: Locale) -> Value:
    """Return the letters, and the dot that also ends a sentence."""
    letters = re.findall("[A-Za-z]", match.group())
    is_new_sentence = re.match(r"\s+[A-Z]", match.string[match.end() : match.end() + 3])
    is_end = is_new_sentence and "".join(letters).lower() in _ENDING
    return Words(" ".join(letters) + ("." if is_end and match[0].endswith(".") else ""))


# Titles: Dr. Lee 的门诊.
LATIN = (
    # A title stands before a name, and its dot ends no sentence.
    words_row("abbreviation", _TITLES, r"(?![A-Za-z])\.?", NAMED, after=rf"\s?[A-Z{_CJK}]"),
    words_row(
        "abbreviation", {"Mr": "mister", "Mrs": "missus", "Ms": "miss"}, r"\b\.?(?=\W|\Z)", LIKELY
    ),
    Row("letters", _INITIALS, _initials, starts="A-Za-z"),
)
ROWS = (
    *LATIN,
    # What stands after a name: its dot is the sentence's, too, where a new one begins.
    words_row(
        "abbreviation",
        _AFTER_NAMES,
        rf"(?![A-Za-z]){DOT_INSIDE}",
        PLAIN + 5,
        before=rf"(?:{NAME}|\d(?:st|nd|rd|th)),?\s",
    ),
    words_row("abbreviation", STREETS, rf"(?=\.\s+{_STARTERS})", NAMED + 1, before=rf"{NAME}\s"),
    words_row("abbreviation", _BEFORE_NUMBERS, r"\b\.?\s?(?=#?\d)", NAMED),
    words_row("abbreviation", _BEFORE_NUMBERS, r"\b\.?\s(?=#?[A-Z]?\d)", NAMED),
    words_row("abbreviation", _WITH_DOT, r"\.(?!\s*\Z|\s+[A-Z])(?![A-Za-z])", NAMED),
    words_row("abbreviation", _WITH_DOT, r"(?=\.\s*(?:\Z|[A-Z]))", LIKELY, before=r"\w,?\s"),
    words_row("abbreviation", {"vs": "versus"}, r"\.(?=\s)", NAMED + 3),  # it ends no sentence
    words_row("abbreviation", {"Gen": "Gen"}, r"(?=\s[XYZ](?![A-Za-z.]))", NAMED + 3),
    words_row("abbreviation", _PHRASES, r"(?![A-Za-z])(?:\.(?!\s*\Z|\s+[A-Z]))?", NAMED + 2),
    Row("letters", r"(?<![A-Za-z.'])[A-Z]\.(?=\s[A-Z][a-z.])", _initials, LIKELY, starts="A-Z"),
)
