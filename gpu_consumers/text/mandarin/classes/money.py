"""Amounts of money."""

import re
from dataclasses import replace

from seedcast.gpu_consumers.text.classify import GUESS, NAMED, Row
from seedcast.gpu_consumers.text.currencies import CODE_OF, CURRENCIES
from seedcast.gpu_consumers.text.mandarin.classes.patterns import (
    NUMBER,
    SCALE,
    START,
    any_of,
    is_rate,
    number_of,
    text_before,
)
from seedcast.gpu_consumers.text.values import Measure, Money, Value, Words
from seedcast.schemas.locales import Locale

_SIGNS = sorted(CODE_OF, key=len, reverse=True)


def _as_word(sign: str) -> str:
    """Return the pattern of a sign; one of letters is no part of a word."""
    before = "(?<![A-Za-z])" if sign[0].isalpha() else ""
    after = "(?![A-Za-z])" if sign[-1].isalpha() else ""
    written = re.escape(sign).replace(r"\$", r"\s?\$") if before else re.escape(sign)
    return before + written + after


CURRENCY = "(?:" + "|".join(map(_as_word, _SIGNS)) + ")"
CURRENCY_STARTS = "A-Z" + "".join({sign[0] for sign in _SIGNS if not sign[0].isalpha()})
_BARE = "¢" + "".join(sign for sign in _SIGNS if len(sign) == 1 and not sign.isalpha())
_AMOUNT = rf"(?P<amount>{NUMBER}(?:\s?{SCALE})?)"
_NAME = re.compile(
    any_of("新台币 台币 港币 港元 美元 美金 日元 欧元 英镑 澳元 加元 新元 韩元 澳门币") + r"\Z"
)


def _amount(written: str, currency: str, match: re.Match[str]) -> Value:
    """Return an amount; the fraction of 元 is 角 and 分, but not in a rate such as 0.5元/度."""
    number = number_of(written)
    if currency == "CNY" and is_rate(match):
        return Measure(replace(number, fraction=number.fraction.rstrip("0")), "元")
    return Money(number, currency)


def _with_sign(match: re.Match[str], locale: Locale) -> Value:
    """Return an amount with a sign; "$" alone is the dollar of Hong Kong or Taiwan there."""
    sign = match["sign"].replace(" ", "")
    is_local = sign == "$" and locale != "zh-CN"
    return _amount(match["amount"], "" if is_local else CODE_OF[sign], match)


def _yuan(match: re.Match[str], locale: Locale) -> Value:
    """Return an amount in 元; it is said with 角 and 分 only where it is yuan."""
    has_name = _NAME.search(text_before(match))
    is_yuan = locale == "zh-CN" and not has_name and not match.group().startswith(".")
    return _amount(match["amount"], "CNY" if is_yuan else "", match)


def _name(match: re.Match[str], _: Locale) -> Value:
    """Return the name of a sign without an amount."""
    return Words("分" if match.group() == "¢" else CURRENCIES[CODE_OF[match.group()]].mandarin)


def _cents(match: re.Match[str], locale: Locale) -> Value:
    return Measure(number_of(match["amount"]), "美分" if locale == "zh-CN" else "分")


ROWS = (
    Row("money", rf"(?P<sign>{CURRENCY})\s?{_AMOUNT.replace('>', '>-?', 1)}(?:\s?元)?(?![0-9])",
        _with_sign, NAMED, starts=CURRENCY_STARTS),
    Row("money", rf"{START}{_AMOUNT}\s?(?P<sign>{CURRENCY})(?![A-Za-z0-9])", _with_sign, NAMED,
        starts="0-9."),
    Row("money", rf"{START}{_AMOUNT}\s?元(?!旦)", _yuan, NAMED, starts="0-9."),
    Row("money", rf"{START}{_AMOUNT}\s?¢", _cents, NAMED, starts="0-9."),
    Row("money", rf"[{_BARE}]", _name, GUESS, starts=_BARE),
)  # fmt: skip
