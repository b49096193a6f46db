"""Postal addresses: streets, states and ZIP codes."""

import re

from seedcast.gpu_consumers.text.classify import CERTAIN, NAMED, Row
from seedcast.gpu_consumers.text.english.classes.abbreviations import (
    DOT_INSIDE,
    NAME,
    STREETS,
    words_row,
)
from seedcast.gpu_consumers.text.units import any_of
from seedcast.gpu_consumers.text.values import Digits, Sequence, Value, Words
from seedcast.schemas.locales import Locale

_DIRECTIONS = {"N": "north", "S": "south", "E": "east", "W": "west"}
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
_STATE = any_of(list(_STATES))
# A house number and the name of a street.
_HOUSE = (
    r"(?<![\w$])\d{1,6}[A-Z]?\s(?:[NSEW]\.?\s)?"
    rf"(?:(?:{NAME}|\d{{1,3}}(?:st|nd|rd|th))\s){{1,3}}"
)
_DEGREES = ("MD", "PA", "DO")  # of physicians: a state only beside a ZIP code


def _state_and_zip(match: re.Match[str], _: Locale) -> Value:
    groups = (match[2], match[3]) if match[3] else (match[2],)
    return Sequence((Words(_STATES[match[1]]), Digits(groups)))


def _state(match: re.Match[str], _: Locale) -> Value | None:
    return None if match[0] in _DEGREES else Words(_STATES[match[0]])


ROWS = (
    words_row("address", STREETS, rf"(?![A-Za-z]){DOT_INSIDE}", NAMED + 5, before=_HOUSE),
    words_row("address", _DIRECTIONS, rf"\.?\s(?={NAME})", NAMED, before=r"(?<![\w.])\d{1,6}\s"),
    Row(
        "address",
        rf"({_STATE}),?\s(\d{{5}})(?:-(\d{{4}}))?(?![\w-])",
        _state_and_zip,
        CERTAIN,
        starts="A-Z",
    ),
    Row("address", rf"{_STATE}(?![A-Za-z])", _state, NAMED, r"[A-Z][a-z]{2,20},\s", starts="A-Z"),
)
