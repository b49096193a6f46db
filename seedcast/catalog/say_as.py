"""How a value is to be said: what each kind takes, and the value in its parts. Pure.

Markup (`<say-as>`) and templates (`{due:date}`) share this table. A kind takes the few ways in
which people and programs write such values, and refuses everything else: what is refused is an
error of its row, and is never spoken.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from seedcast.catalog import say_as_dates
from seedcast.catalog.cannot_say import CannotSay
from seedcast.catalog.currencies import CURRENCIES, SIGNS
from seedcast.schemas.locales import Locale

Parts = tuple[str, ...]
Parse = Callable[[str, str, Locale | None], Parts]  # of a value, a detail and the request's locale

_NUMBER = re.compile(
    r"([-−+]?)(\d{1,3}(?:,\d{3}){1,9}|\d{1,30}|(?=\.\d))(?:\.(\d{1,20}))?", re.ASCII
)
_MONEY = re.compile(r"([-−+]?)([^\d.,\s+−-]*) ?([-−+]?[\d.,]+) ?([^\d.,\s]*)", re.ASCII)
_EXTENSION = re.compile(r" ?,? ?(?:ext(?:ension|\.)?|x|#|转|轉|分机|分機) ?([0-9]{1,8})$", re.I)
MAX_DIGITS, MAX_CHARACTERS = 64, 200


@dataclass(frozen=True)
class Kind:
    """One row of the table."""

    takes: str  # in words, for the documentation
    parse: Parse
    examples: tuple[tuple[str, str], ...]  # (value, detail), for the documentation
    details: tuple[str, ...] = ()  # what may follow the kind


def parts_of(kind: str, value: str, detail: str = "", locale: Locale | None = None) -> Parts:
    """Return the parts of a value, in the order that the function of its kind documents.

    `kind` is a key of KINDS. Raises CannotSay.
    """
    check_detail(kind, detail)
    return KINDS[kind].parse(unicodedata.normalize("NFKC", value).strip(), detail, locale)


def check_detail(kind: str, detail: str) -> None:
    """Raises CannotSay if the kind takes no such detail, whatever the value."""
    if detail and detail not in KINDS[kind].details:
        details = ", ".join(KINDS[kind].details)
        raise CannotSay(f"{kind} with one of {details}" if details else f"nothing after {kind}")


def shape_of(value: str) -> str:
    """Return how a value is written, without what it says: 9 for a digit, a for a letter."""
    start = "".join(
        "9" if c.isdigit() else "a" if c.isalpha() else c if c.isprintable() else "?"
        for c in value[:30]
    )
    return f"{start}…" if len(value) > 30 else start or "nothing"


def _digits(value: str, _detail: str, _locale: Locale | None) -> Parts:
    """Return the groups."""
    groups = tuple(re.findall(r"[A-Za-z0-9]+", value))
    if not groups or len(value) > MAX_DIGITS or re.search(r"[^A-Za-z0-9 .\-/_#·*]", value):
        raise CannotSay(
            f"up to {MAX_DIGITS} digits and letters A to Z; between groups spaces or -./_#·*"
        )
    return groups


def _characters(value: str, _detail: str, _locale: Locale | None) -> Parts:
    """Return the characters, as one text."""
    if len(value) > MAX_CHARACTERS or not any(map(str.isalnum, value)):
        raise CannotSay(f"up to {MAX_CHARACTERS} characters, one of them a letter or a digit")
    return (value,)


def _number(value: str, _detail: str, _locale: Locale | None) -> Parts:
    """Return "-" or "", the whole part, and the digits after the point."""
    if not (match := _NUMBER.fullmatch(value)):
        raise CannotSay("a number such as 1234.5 or -1,234.5, of up to 30 digits")
    sign, whole, fraction = match.groups(default="")
    return "-" if sign in ("-", "−") else "", whole.replace(",", "") or "0", fraction


def _money(value: str, detail: str, _locale: Locale | None) -> Parts:
    """Return the currency, and the parts of the number."""
    match = _MONEY.fullmatch(value)
    sign, before, number, after = match.groups() if match else ("", "", "", "")
    mark = before or after
    codes = SIGNS.get(mark, (mark,) if mark in CURRENCIES else ())
    currency = detail or (codes[0] if len(codes) == 1 else "")
    if not match or (before and after) or (mark and detail and detail not in codes):
        raise CannotSay(f"an amount{' in ' + detail if detail else ''} such as 12.50 or 1,234")
    if not currency:
        raise CannotSay("a currency, as in money:CNY, or with the amount, as in CNY 12.50")
    try:
        return currency, *_number(sign + number, "", None)
    except CannotSay:
        raise CannotSay(f"an amount in {currency} such as 12.50 or 1,234") from None


def _telephone(value: str, _detail: str, _locale: Locale | None) -> Parts:
    """Return "+" or "", the extension or "", and the groups."""
    extension = _EXTENSION.search(value)
    number = value[: extension.start()] if extension else value
    groups = re.findall(r"[A-Za-z0-9]+", number)
    if (
        not re.fullmatch(r"\+?[A-Za-z0-9 ().\-/]{2,40}", number)
        or not re.search("[0-9]", number)
        or len("".join(groups)) > 24
    ):
        raise CannotSay("a telephone number such as +86 138 0013 8000 or 010-8888-6666 ext. 801")
    return "+" if number[0] == "+" else "", extension[1] if extension else "", *groups


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "digits": Kind(
            "digits and letters A to Z, in groups; said one by one, with a pause between groups",
            _digits,
            (("482913", ""), ("3-2-1024", ""), ("CA1234", "")),
        ),
        "number": Kind(
            "a number, with commas between thousands or without",
            _number,
            (("-1,234.5", ""), ("02", "")),
        ),
        "date": Kind(
            "2026-08-15, 2026/8/15, 20260815, 2026-08, 15 Aug 2026, 8月15日; other orders of its "
            "numbers by a detail or by the locale; of a date with a time, the date",
            say_as_dates.date,
            (("2026-08-15", ""), ("12/05/2026", "dmy"), ("12/05/2026", "mdy")),
            say_as_dates.ORDERS,
        ),
        "time": Kind(
            "14:30, 14:30:05, 2:30 pm, 14点30分; of a date with a time, the time; no zone is said",
            say_as_dates.time,
            (("14:30", ""), ("08:05", ""), ("2:30 pm", "")),
        ),
        "money": Kind(
            "an amount; its currency by a detail (ISO 4217), or written with it",
            _money,
            (("12.50", "CNY"), ("-1,234", "USD"), ("HK$80", "")),
            CURRENCIES,
        ),
        "telephone": Kind(
            "digits and letters, with a plus before, an extension after, and any grouping",
            _telephone,
            (("13800138000", ""), ("+1 212 555 0123", ""), ("010-8888-6666 ext. 801", "")),
        ),
        "characters": Kind(
            "anything; said character by character",
            _characters,
            (("Ab1", ""), ("粤B88888", "")),
        ),
    }
)
