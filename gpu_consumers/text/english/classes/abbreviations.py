"""Words that are written short, with and without a dot, and Roman numerals."""

import re

from seedcast.gpu_consumers.text.classify import CERTAIN, LIKELY, NAMED, PLAIN, Row
from seedcast.gpu_consumers.text.units import any_of
from seedcast.gpu_consumers.text.values import Digits, Sequence, Value, Words
from seedcast.schemas.locales import Locale

# With a dot, unless it ends the sentence, or without one.
_TITLES = {
    "Mr": "mister", "Mrs": "missus", "Ms": "miss", "Dr": "doctor", "Prof": "professor",
    "Sgt": "sergeant", "Capt": "captain", "Lt": "lieutenant", "Col": "colonel", "Gen": "general",
    "Rev": "reverend", "Hon": "honorable", "Gov": "governor", "Sen": "senator",
    "St": "saint", "Mt": "mount", "Ft": "fort", "Messrs": "messieurs",
}  # fmt: skip
_AFTER_NAMES = {
    "Jr": "junior", "Sr": "senior", "Esq": "esquire",
    "St": "street", "Ave": "avenue", "Rd": "road", "Blvd": "boulevard", "Dr": "drive",
    "Ln": "lane", "Pkwy": "parkway", "Expy": "expressway", "Expwy": "expressway", "Ct": "court",
    "Pl": "place", "Sq": "square", "Hwy": "highway", "Ter": "terrace", "Cir": "circle",
    "Inc": "incorporated", "Ltd": "limited", "Corp": "corporation", "Co": "company",
    "Bldg": "building", "Ctr": "center", "Mt": "mountain",
}  # fmt: skip
_BEFORE_NUMBERS = {
    "No": "number", "Nos": "numbers", "Apt": "apartment", "Ste": "suite", "Hwy": "highway",
    "Rte": "route", "Rt": "route", "Fig": "figure", "Figs": "figures", "Sec": "section",
    "Vol": "volume", "Ch": "chapter", "Art": "article", "Ext": "extension", "ext": "extension",
    "Tel": "telephone", "tel": "telephone", "pp": "pages", "p": "page", "Rm": "room",
    "Bldg": "building", "Flt": "flight", "no": "number", "Fl": "floor", "Acct": "account",
    "Ref": "reference",
}  # fmt: skip
_WITH_DOT = {
    "Dept": "department", "dept": "department", "approx": "approximately", "vs": "versus",
    "incl": "including", "excl": "excluding", "est": "estimated", "max": "maximum",
    "min": "minimum", "etc": "et cetera", "tel": "telephone", "ext": "extension",
    "Assn": "association", "Univ": "university", "govt": "government", "Govt": "government",
    "mgr": "manager", "appt": "appointment", "acct": "account", "misc": "miscellaneous",
    "hrs": "hours", "mins": "minutes", "secs": "seconds",
}  # fmt: skip
_DIRECTIONS = {"N": "north", "S": "south", "E": "east", "W": "west"}
_PHRASES = {
    "e.g.": "for example", "i.e.": "that is", "w/o": "without", "w/": "with",
    "n/a": "not applicable", "N/A": "not applicable", "vs": "versus", "Ph.D": "P H D",
    "a/c": "account", "c/o": "care of", "approx": "approximately", "P.O": "P O", "PO": "P O",
    "24/7": "twenty four seven", "and/or": "and or", "24-7": "twenty four seven",
}  # fmt: skip
_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa", "KS": "Kansas",
    "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts",
    "MI": "Michigan", "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana",
    "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey",
    "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota",
    "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon", "PA": "Pennsylvania", "RI": "Rhode Island",
    "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah",
    "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia",
    "WI": "Wisconsin", "WY": "Wyoming", "DC": "D C", "PR": "Puerto Rico",
}  # fmt: skip
# What a dot does besides: it ends the sentence where a capital, or nothing, follows.
_DOT_INSIDE = r"(?:\.(?!\s*\Z|\s+[A-Z\"]|\s*\n))?"
_DOT = r"(?:\.(?!\s*\Z))"
# U.S., a.m.: no dot is left but that of the sentence.
_INITIALS = r"(?<![A-Za-z.])(?:[A-Za-z]\.){1,9}[A-Za-z](?![A-Za-z])(?:\.(?!\s*\Z|\s+[A-Z]))?"
_NAME = r"[A-Z][\w'-]*"
_CJK = "\u4e00-\u9fff"


def _expand(table: dict[str, str]) -> "object":
    return lambda match, _: Words(table[match[1]])


def _first_letters(table: dict[str, str]) -> str:
    return "".join(sorted({word[0] for word in table}))


def _words(kind: str, table: dict[str, str], rest: str, weight: int = PLAIN, **context: str) -> Row:
    """Return the row of a table of words; `rest` is what the pattern has after one of them."""
    return Row(
        kind,
        rf"(?<![A-Za-z.@/-])({any_of(list(table))}){rest}",
        lambda match, _: Words(table[match[1]]),
        weight,
        starts=_first_letters(table),
        **context,
    )


def _state_and_zip(match: re.Match[str], _: Locale) -> Value:
    return Sequence(
        (Words(_STATES[match[1]]), Digits((match[2], *([match[3]] if match[3] else []))))
    )


def _initials(match: re.Match[str], _: Locale) -> Value:
    return Words(" ".join(re.findall("[A-Za-z]", match.group())))


# Titles: Dr. Lee 的门诊.
LATIN = (
    # A title stands before a name, and its dot ends no sentence.
    _words("abbreviation", _TITLES, r"(?![A-Za-z])\.?", NAMED, after=rf"\s?[A-Z{_CJK}]"),
    _words(
        "abbreviation", {"Mr": "mister", "Mrs": "missus", "Ms": "miss"}, r"\b\.?(?=\W|\Z)", LIKELY
    ),
    Row("letters", _INITIALS, _initials, starts="A-Za-z"),
)
ROWS = (
    *LATIN,
    # What stands after a name: its dot is the sentence's, too, where a new one begins.
    _words(
        "abbreviation",
        _AFTER_NAMES,
        rf"(?![A-Za-z]){_DOT_INSIDE}",
        PLAIN + 5,
        before=rf"(?:{_NAME}|\d(?:st|nd|rd|th)),?\s",
    ),
    _words(
        "address",
        _AFTER_NAMES,
        rf"(?![A-Za-z]){_DOT_INSIDE}",
        NAMED + 5,
        before=rf"(?<![\w$])\d{{1,6}}[A-Z]?\s(?:[NSEW]\.?\s)?(?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th))\s){{1,3}}",
    ),
    _words("abbreviation", _BEFORE_NUMBERS, r"\b\.?\s?(?=#?\d)", NAMED),
    _words("abbreviation", _BEFORE_NUMBERS, r"\b\.?\s(?=#?[A-Z]?\d)", NAMED),
    _words("abbreviation", _WITH_DOT, r"\.(?!\s*\Z|\s+[A-Z])(?![A-Za-z])", NAMED),
    _words("abbreviation", _WITH_DOT, r"(?=\.\s*(?:\Z|[A-Z]))", LIKELY, before=r"\w,?\s"),
    _words("abbreviation", _PHRASES, r"(?![A-Za-z])(?:\.(?!\s*\Z|\s+[A-Z]))?", NAMED + 2),
    _words("address", _DIRECTIONS, rf"\.?\s(?={_NAME})", NAMED, before=r"(?<![\w.])\d{1,6}\s"),
    Row(
        "address",
        rf"({any_of(list(_STATES))}),?\s(\d{{5}})(?:-(\d{{4}}))?(?![\w-])",
        _state_and_zip,
        CERTAIN,
        starts="A-Z",
    ),
    Row("letters", r"(?<![A-Za-z.'])[A-Z]\.(?=\s[A-Z][a-z.])", _initials, LIKELY, starts="A-Z"),
)
