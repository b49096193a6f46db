"""Years, decades, and days that are known by their digits."""

import re

from seedcast.gpu_consumers.text.classify import LIKELY, NAMED, Row
from seedcast.gpu_consumers.text.mandarin.classes.dates import DAY, END, MONTH, YEAR
from seedcast.gpu_consumers.text.mandarin.classes.patterns import DASH, HAN, START, any_of
from seedcast.gpu_consumers.text.mandarin.counts import digits
from seedcast.gpu_consumers.text.patterns import digits_in
from seedcast.gpu_consumers.text.values import Decade, Range, Value, Words
from seedcast.schemas.locales import Locale

_PARTS_OF_YEAR = (
    r"(?:\s?(?:"
    + any_of(
        "春节 中秋 国庆 端午 元旦 高考 中考 上半年 下半年 春 夏 秋 冬 底 初 末 度 版 届 款 财报"
        " 账单 毕业 考研 新款 校招 春招 秋招 社保 医保 个税"
    )
    + rf"|{MONTH}月|第[一二三四1-4]))"
)  # fmt: skip
_SPAN_AFTER = any_of(
    "历史 以上 以内 以来 之 内 间 后 前 来 期 限 质保 产权 老 大庆 校庆 华诞 代 的时间 工龄 免息"
)
_NAMED_DAY_AFTER = r"\s?(?:假期?|节(?!目)|" + any_of(
    "大促 狂欢 购物 促销 年中 盛典 活动 晚会 放假 妇女节 劳动节 儿童节 国庆节 特惠"
) + ")"  # fmt: skip


def _year(match: re.Match[str], _: Locale) -> Value:
    """Return a year without its 年, which the text says or leaves out."""
    return Words(digits(match.group(), one="一"))


def _years(match: re.Match[str], _: Locale) -> Value:
    first, last = digits_in(match.group())
    return Range(Words(digits(first, one="一")), Words(digits(last, one="一")))


def _decade(match: re.Match[str], _: Locale) -> Value:
    return Decade(match.group()[:-2])


def _named_day(match: re.Match[str], _: Locale) -> Value:
    """Return a day that is known by its digits: 6·18, 11.11, 315."""
    return Words(digits("".join(digits_in(match.group())), one="一"))


ROWS = (
    Row("date", rf"{START}(?:{MONTH}[.·]{DAY}|315|520|618|818|1111|1212)(?![0-9.])", _named_day,
        NAMED, after=_NAMED_DAY_AFTER),
    Row("date", rf"{START}{MONTH}·{DAY}(?![0-9.])", _named_day, LIKELY),
    Row("year", r"[0-9]{2,4}", _year, NAMED, "公元前?", "年"),
    Row("year", YEAR, _year, NAMED + 1, r"[发办函字令告规]\s?[,(]", r"[,)]\s?第?[0-9]{1,5}号"),
    Row("year", YEAR, _year, NAMED, r"\(", rf"\)\s?{HAN}[0-9]{{2,4}}{HAN}"),
    Row("year", YEAR, _year, NAMED + 1, r"(?:ISO|IEC|GB)[A-Z/ ]{0,4}[0-9]{3,5}:", r"(?![0-9])"),
    Row("year", rf"{START}1[0-8][0-9]{{2}}", _year, NAMED, after=rf"年(?!{_SPAN_AFTER})"),
    Row("year", rf"{START}{YEAR}{END}", _year, NAMED,
        after=r"\s?(?:年(?!级)|[届版款级]|赛季|财年|学年|Q[1-4]|第[一二三四1-4]季|[春秋夏冬]季?"
        r"|[上下]半年)"),
    Row("year", rf"{START}[0-9]{{2}}", _year, NAMED, after=rf"年{_PARTS_OF_YEAR}"),
    Row("year", rf"{START}0[0-9]", _year, NAMED, after="年|[届版款级]|后(?!续)"),
    Row("year", rf"{START}[6-9][0-9]", _year, NAMED, r"(?:^|[^约近超满共达过长整余0-9.])",
        after=rf"年(?!{_SPAN_AFTER})"),
    Row("year", rf"{START}[0-9][05]", _year, NAMED, after="后(?![天续来])|[、和,][0-9][05]后"),
    Row("year", rf"{START}{YEAR}\s?(?:{DASH}|至|到)\s?(?:{YEAR}|[0-9]{{2}})", _years, NAMED + 2,
        after=r"\s?(?:年|学年|赛季|财年|届|第[12一二]学期)"),
    Row("year", rf"{START}{YEAR}[-/][0-9]{{2}}", _years, NAMED + 2, after=r"\s?(?:学年|赛季|财年)"),
    Row("decade", rf"{START}(?:{YEAR}|[0-9]0)年代", _decade, NAMED),
)  # fmt: skip
