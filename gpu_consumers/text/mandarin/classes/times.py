"""Times of day, and scores, which look like them."""

import re

from seedcast.gpu_consumers.text.classify import LIKELY, NAMED, Row
from seedcast.gpu_consumers.text.mandarin.classes.patterns import DASH, HAN, START, any_of
from seedcast.gpu_consumers.text.patterns import digits_in
from seedcast.gpu_consumers.text.values import (
    Half,
    Measure,
    Number,
    Range,
    Ratio,
    Score,
    Sequence,
    Time,
    Value,
    Words,
)
from seedcast.schemas.locales import Locale

_HOUR = "(?:[01]?[0-9]|2[0-4])"
_SIXTY = "[0-5][0-9]"
_HALF = r"(?:\s?(?i:(?P<half>[ap])\.?m\b\.?))"
_HALVES: dict[str, Half] = {"a": "am", "p": "pm", "": ""}
_WON = any_of("战胜 击败 取胜 获胜 险胜 完胜 完败 不敌 负于 大胜 领先 落后 战平 逆转 力克 晋级")
_SCORED = any_of("比分 大比分 总比分 战成 打成 扳成 半场") + f"|{_WON}"
_LINK = rf"{HAN}{{0,8}}?[:为是以,\s]{{0,2}}"
_SCORES = r"(?:[0-9]{1,3}[:-][0-9]{1,3}[，,、\s(]{1,2}){0,4}"


def _time(match: re.Match[str], _: Locale) -> Value:
    hour, *others = map(int, digits_in(match.group()))
    minute, second = [*others, None, None][:2]
    half = match.groupdict().get("half") or ""
    return Time(hour, minute, second, _HALVES[half.lower()])


def _hour_and_minute(match: re.Match[str], _: Locale) -> Value:
    """Return 8时05分 and 8点5分 as they are written."""
    zero = "零" if match["minute"].startswith("0") else ""
    hour = Measure(Number(match["hour"]), match["sign"])
    return Sequence((hour, Words(zero), Number(match["minute"]), Words("分")))


def _duration(match: re.Match[str], _: Locale) -> Value:
    """Return 1h30min."""
    hours, minutes = map(Number, digits_in(match.group()))
    return Sequence((Measure(hours, "h"), Measure(minutes, "min")))


def _long_duration(match: re.Match[str], _: Locale) -> Value:
    """Return 2:45:30 as the time that something took."""
    parts = zip(map(int, digits_in(match.group())), ("h", "min", "s"), strict=True)
    return Sequence(tuple(Measure(Number(str(part)), unit) for part, unit in parts if part))


def _hours(match: re.Match[str], _: Locale) -> Value:
    """Return 0900-1700."""
    first, last = (Time(int(part[:2]), int(part[2:])) for part in digits_in(match.group()))
    return Range(first, last)


def _score(match: re.Match[str], _: Locale) -> Value:
    return Score(*digits_in(match.group()))


def _ratio(match: re.Match[str], _: Locale) -> Value:
    return Ratio(*digits_in(match.group()))


def _always(match: re.Match[str], _: Locale) -> Value:
    return Words("七天二十四小时")


_FOUR = f"(?:[01][0-9]|2[0-4]){_SIXTY}"  # 0900
_POINTS = rf"{START}[0-9]{{1,3}}\s?[:-]\s?[0-9]{{1,3}}(?![0-9:])"
_RATIO = rf"{START}[0-9]{{1,6}} ?: ?[0-9]{{1,6}}(?![0-9:])"
ROWS = (
    Row("time", rf"{START}{_HOUR} ?: ?{_SIXTY}(?: ?: ?{_SIXTY})?(?![0-9]){_HALF}?", _time),
    Row("time", rf"{START}(?:0?[1-9]|1[0-2]){_HALF}", _time, NAMED),
    Row("time", rf"{_HOUR}点{_SIXTY}(?![0-9分])", _time, NAMED),
    Row("time", rf"(?P<hour>{_HOUR})(?P<sign>[点时])(?P<minute>[0-5]?[0-9])分(?!钟)",
        _hour_and_minute, NAMED),
    Row("time", r"24/7(?![0-9/])", _always),
    Row("score", _POINTS, _score, NAMED + 1, rf"(?:{_SCORED}){_LINK}{_SCORES}"),
    Row("score", _POINTS, _score, NAMED + 1, "以"),
    Row("score", _POINTS, _score, NAMED + 1, after=rf"\s?(?:{_WON})"),
    Row("ratio", _RATIO, _ratio, NAMED + 1, after=r"\s?的?(?:比例|比值|稀释|配比|缩放)"),
    Row("ratio", _RATIO, _ratio, NAMED + 1, "(?:比例|比值|稀释|配比)[:为是]?"),
    Row("duration", START + r"[0-9]{1,3}h\s?[0-9]{1,2}(?:min|m)?(?![A-Za-z0-9])", _duration, NAMED),
    Row("duration", rf"{START}[0-9]{{1,2}}:{_SIXTY}:{_SIXTY}(?![0-9])", _long_duration, NAMED,
        r"(?:用时|耗时|历时|时长|成绩)[:为是\s]{0,3}"),
    Row("range", rf"{START}{_FOUR}\s?{DASH}\s?{_FOUR}(?![0-9])", _hours, NAMED + 3,
        r"(?:[0-9]日|时间[:为是]?)\s?"),
    Row("ratio", _RATIO, _ratio, LIKELY),
)  # fmt: skip
