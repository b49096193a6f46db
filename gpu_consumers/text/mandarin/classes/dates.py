"""Dates in numbers, and fractions, which look like some of them.

Where the order of day and month cannot be told, the locale decides: the day is first in Hong Kong,
and the month elsewhere, as in 5月12日.
"""

import re

from seedcast.gpu_consumers.text.classify import LIKELY, NAMED, Row
from seedcast.gpu_consumers.text.mandarin.classes.patterns import (
    DASH,
    HAN,
    START,
    any_of,
)
from seedcast.gpu_consumers.text.patterns import digits_in
from seedcast.gpu_consumers.text.values import (
    Date,
    Fraction,
    Number,
    Range,
    Sequence,
    Value,
    Words,
)
from seedcast.schemas.locales import Locale

YEAR = "(?:19|20)[0-9]{2}"
MONTH = "(?:1[0-2]|0?[1-9])"
DAY = "(?:3[01]|[12][0-9]|0?[1-9])"
END = r"(?![0-9A-Za-z]|[-/.·][0-9])"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_AFTER = (
    rf"(?:\s?(?:{HAN}{{1,3}}节(?!目)|"
    r"日|周|星期|礼拜|\(|[早晚夜]|[0-9]{1,2}[:点时]|"
    + any_of(
        "前 后 之前 之后 以前 以后 起 止 截止 放假 开学 开课 开考 开业 开幕 开奖 开始 结束"
        " 上线 发车 出发 停 恢复 举行 举办 结课 交 还款 发放 送达 到达 到货 到期 生效 当天 当日"
        " 凌晨 上午 中午 下午 傍晚 至 到 入住 离店 退房 开售 开放 休息"
        " 封闭 关闭 检修 维修 施工 暂停 营业 闭馆 开馆 上课 调休 展出 期间"
    )
    + r")|\s[0-9]{1,2}:[0-5])"
)  # fmt: skip
_BEFORE = (
    any_of(
        "日期 时间 时段 截止 截至 定于 将于 已于 于 在 自 从 至 到 到期 到期日 生日 出生 有效期"
        " 预约 入住 离店 航班 出发 抵达 开学 考试 发布 更新 下单 账期 账单 账单日 还款日 今天 明天"
        " 昨天 后天 今日 明日 活动 改到 改至 延至"
    )
    + r"[:是为于,，\s]{0,2}"
)  # fmt: skip
_AFTER_COMPACT = any_of("日期 产日 效日 期日 生日 生产 出生 有效期 有效期至 保质期至 截止 截至")
_FRACTION_BEFORE = r"(?:[的占]|不足|超过|仅|近|已有|只有)\s?"
_FRACTION_AFTER = r"\s?(?:英寸|[寸片杯勺圈粒]|决赛|以上|左右|强|弱)"


def _year_month_day(match: re.Match[str], _: Locale) -> Value:
    year, month, day = digits_in(match.group())
    return Date(year, int(month), int(day))


def _year_month(match: re.Match[str], _: Locale) -> Value:
    year, month = digits_in(match.group())
    return Date(year, int(month))


def _month_year(match: re.Match[str], _: Locale) -> Value:
    month, year = digits_in(match.group())
    return Date(year, int(month))


def _month_day(match: re.Match[str], _: Locale) -> Value:
    month, day = digits_in(match.group())
    return Date("", int(month), int(day))


def _days(match: re.Match[str], _: Locale) -> Value:
    month, day, last_month, last_day = map(int, digits_in(match.group()))
    return Range(Date("", month, day), Date("", last_month, last_day))


def _year_of_republic(match: re.Match[str], locale: Locale) -> Value | None:
    """Return 115/08/15, which in Taiwan is 2026."""
    return _year_month_day(match, locale) if locale == "zh-TW" else None


def _compact(match: re.Match[str], _: Locale) -> Value:
    text = match.group()
    return Date(text[:4], int(text[4:6]), int(text[6:]))


def _compact_month(match: re.Match[str], _: Locale) -> Value:
    text = match.group()
    return Date(text[:4], int(text[4:]))


def _year_last(match: re.Match[str], locale: Locale) -> Value | None:
    first, second, year = digits_in(match.group())
    return _in_order(int(first), int(second), locale, f"20{year}" if len(year) == 2 else year)


def _in_order(first: int, second: int, locale: Locale, year: str = "") -> Date | None:
    """Return a date of two numbers in the order of a locale, or in the only one that is possible.

    None if they are no date.
    """
    is_day_first = first > 12 or (locale == "zh-HK" and second <= 12)
    day, month = (first, second) if is_day_first else (second, first)
    return Date(year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None


def _slash(match: re.Match[str], locale: Locale) -> Value | None:
    first, second = map(int, digits_in(match.group()))
    return _in_order(first, second, locale)


def _date_or_fraction(match: re.Match[str], locale: Locale) -> Value:
    """Return 12/31 and 10/1 as dates, and 2/3 as a fraction."""
    first, second = digits_in(match.group())
    date = _in_order(int(first), int(second), locale)
    is_fraction = int(first) < int(second) <= 12 or not date
    return Fraction(first, second) if is_fraction or not date else date


def _floors(match: re.Match[str], _: Locale) -> Value:
    """Return 15/32层, the floor of a house of so many, or a rank among so many."""
    floor, floors = map(Number, digits_in(match.group()))
    return Sequence((floor, Words("，共"), floors))


def _list(match: re.Match[str], _: Locale) -> Value:
    """Return 2/4号线, which are two lines, and 每月5/15/25日."""
    first, *others = map(Number, digits_in(match.group()))
    return Sequence((first, *(part for other in others for part in (Words("，"), other))))


def _fraction(match: re.Match[str], _: Locale) -> Value:
    return Fraction(*digits_in(match.group()))


def _mixed_number(match: re.Match[str], _: Locale) -> Value:
    whole, numerator, denominator = digits_in(match.group())
    return Fraction(numerator, denominator, whole)


def _named_month(match: re.Match[str], _: Locale) -> Value:
    month = _MONTHS.index(match["month"].upper()) + 1
    return Date(match["year"] or "", month, int(match["day"]))


_NAME = (  # of a month, in English
    rf"(?P<month>{'|'.join(_MONTHS)}|{'|'.join(map(str.capitalize, _MONTHS))})"
    r"(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?(?![A-Za-z])\.?"
)
_RANK = "(?:st|nd|rd|th)?"
_TO = rf"\s?(?:{DASH}|至|到)\s?"
_FULL = rf"{START}{YEAR}(?P<mark> ?[-/.·] ?){MONTH}(?P=mark){DAY}日?"
_NO_MORE = rf"(?![0-9A-Za-z]|(?P=mark)(?!{YEAR}(?P=mark))[0-9])"  # a range may follow
_TWO = rf"{START}[0-9]{{1,2}} ?/ ?[0-9]{{1,2}}{END}"
ROWS = (
    Row("date", rf"{_FULL}(?:{_NO_MORE}|T(?=[0-9]{{2}}:))", _year_month_day, NAMED + 1),
    Row("date", rf"{YEAR}年\s?{MONTH}月\s?{DAY}日", _year_month_day, NAMED + 1),
    Row("date", rf"{YEAR}年\s?{MONTH}月", _year_month, NAMED + 1),
    Row("date", rf"{MONTH}月\s?{DAY}日", _month_day, NAMED + 1),
    Row("date", rf"{START}{YEAR}[-/.·](?:0[1-9]|1[0-2]){END}", _year_month, NAMED + 1),
    Row("date", rf"{START}[0-9]{{1,2}}(?P<mark>[-/.])[0-9]{{1,2}}(?P=mark){YEAR}{END}",
        _year_last, NAMED + 1),
    Row("date", rf"{START}[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{2}}{END}", _year_last),
    Row("date", rf"{START}(?P<day>{DAY})(?P<month>(?i:{'|'.join(_MONTHS)}))"
        rf"(?P<year>{YEAR}|[0-9]{{2}})?(?![A-Za-z0-9])", _named_month, NAMED + 1),
    Row("date", rf"{START}(?P<day>{DAY}){_RANK}[ -]{_NAME}(?:(?:,? |-)(?P<year>{YEAR})|)"
        r"(?![A-Za-z0-9])", _named_month, NAMED + 1),
    Row("date", rf"(?<![A-Za-z]){_NAME} (?P<day>{DAY}){_RANK}(?:,? (?P<year>{YEAR})|)"
        r"(?![A-Za-z0-9.:/%-])(?!\s?[个元号日人点])", _named_month, NAMED, starts="JFMASOND"),
    Row("date", rf"{YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?![0-9A-Za-z])", _compact,
        NAMED + 2, rf"{_AFTER_COMPACT}[:为是至到\s]{{0,3}}"),
    Row("date", rf"{YEAR}(?:0[1-9]|1[0-2])(?![0-9A-Za-z])", _compact_month, NAMED + 2,
        "(?:日期|账期|月份|费月|所属期)[:为是]?"),
    Row("date", rf"{START}[0-9]{{1,2}}/[0-9]{{1,2}}号(?=[前后起至到止]|之前|以前)", _slash,
        NAMED + 3),
    Row("date", _TWO, _slash, NAMED, after=_AFTER),
    Row("date", _TWO, _slash, NAMED, _BEFORE),
    Row("date", _TWO, _slash, NAMED, rf"[0-9]{{1,2}}/[0-9]{{1,2}}{_TO}"),
    Row("date", _TWO, _slash, NAMED, after=rf"{_TO}[0-9]{{1,2}}/[0-9]{{1,2}}{END}"),
    Row("date", rf"{START}{MONTH}\.{DAY}日(?!均)", _month_day, NAMED),
    Row("date", rf"{START}{MONTH}\.{DAY}", _month_day, NAMED, "(?:^|[^版第本Vv0-9.])",
        r"(?:前(?![端后])|开学|送达|发货|到货|截止|放假|到期|开始|当天|上午|下午|晚上|\([周一二三四五六日])"),
    Row("floor", rf"{START}[0-9]{{1,2}}/[0-9]{{1,2}}", _floors, NAMED, after="层"),
    Row("list", rf"{START}[0-9]{{1,2}}(?:/[0-9]{{1,2}}){{1,3}}", _list, NAMED + 2, "[每次逢]月",
        "[日号]"),
    Row("list", rf"{START}[0-9]{{1,2}}(?:/[0-9]{{1,2}}){{2,5}}", _list, NAMED + 2,
        after=r"期(?!间)|个月"),
    Row("list", rf"{START}[0-9]{{1,2}}/[0-9]{{1,2}}", _list, NAMED + 2,
        after=r"号[线楼口门窗机]|路公?交?车"),
    Row("rank", rf"{START}[0-9]{{1,5}}/[0-9]{{1,6}}{END}", _floors, NAMED + 2,
        r"(?:排名|名次|位次)[:为是第\s]{0,3}"),
    Row("date", rf"{START}(?:0[1-9]|1[0-2])[-/](?:0[1-9]|[12][0-9]|3[01]){END}", _month_day),
    Row("date", rf"{START}{MONTH}[-.·]{DAY}{END}", _month_day, NAMED,
        after=r"\s[0-9]{1,2}:[0-5]"),
    Row("date", rf"{MONTH}[./]{DAY}{END}", _month_day, NAMED,
        rf"{YEAR}[./][0-9]{{1,2}}[./][0-9]{{1,2}}\s?{DASH}\s?"),
    Row("date", rf"{START}{MONTH}\.{DAY}{_TO}{MONTH}\.{DAY}(?![0-9.])", _days, NAMED,
        after=_AFTER),
    Row("date", rf"{START}1[0-9]{{2}}(?P<mark>[-/.]){MONTH}(?P=mark){DAY}{END}", _year_of_republic,
        NAMED),
    Row("date", rf"{START}{MONTH}[/-]{YEAR}{END}", _month_year, NAMED + 1),
    Row("date", rf"{START}0[1-9]\.(?:0[1-9]|[12][0-9]|3[01])(?![0-9.%])", _month_day),
    Row("fraction", _TWO, _fraction, NAMED + 1, after=_FRACTION_AFTER),
    Row("fraction", _TWO, _fraction, NAMED + 1, _FRACTION_BEFORE),
    Row("fraction", rf"{START}[0-9]{{1,3}} [1-9]/[1-9][0-9]?(?![0-9/])", _mixed_number),
    Row("date", rf"{START}[0-9]{{1,4}} ?/ ?[0-9]{{1,4}}(?![0-9/])", _date_or_fraction, LIKELY),
)  # fmt: skip
