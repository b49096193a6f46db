"""Telephone numbers, hotlines and emergency numbers."""

import re

from seedcast.gpu_consumers.text.classify import CERTAIN, NAMED, PLAIN, Row
from seedcast.gpu_consumers.text.mandarin.classes.patterns import (
    COUNTED,
    END,
    START,
    any_of,
    spelled,
)
from seedcast.gpu_consumers.text.patterns import digits_in
from seedcast.gpu_consumers.text.values import Digits, Sequence, Telephone, Value, Words
from seedcast.schemas.locales import Locale

_PART = "(?: ?- ?| )?"  # between groups
_NUMBER = (
    rf"\+(?=[0-9 ()-]{{8}})[0-9]{{1,3}}(?:{_PART}\(?[0-9]{{1,4}}\)?){{1,6}}"
    r"|00[1-9][0-9]{0,2}-[0-9]{3,4}[- ]?[0-9]{4}"
    r"|0[0-9]{2,3}-(?:[0-9]{7,8}-[0-9]{1,5}|(?:95|96|1[0-2])[0-9]{3})"
    rf"|1[3-9][0-9](?:{_PART}[0-9]{{4}}){{2}}"
    rf"|\(?0[0-9]{{1,3}}\)?{_PART}[0-9]{{3,4}}{_PART}[0-9]{{3,4}}"
    rf"|09[0-9]{{2}}{_PART}[0-9]{{3}}{_PART}[0-9]{{3}}"
    rf"|[48]00{_PART}[0-9]{{3}}{_PART}[0-9]{{4}}"
    r"|[48]00-(?:[0-9]{2}-[0-9]{5}|[0-9]{4}-[0-9]{3})"
)
_LETTERED = r"(?:1-)?[48][0-9]{2}(?:-[0-9]{3})?(?:-[A-Z]{1,10}){1,4}"
_EXTENSION = r"(?:\s?(?:转|(?i:ext\.?)|#)[\s:]?(?P<extension>[0-9]{1,6}))?"
PHONE = rf"(?:{_NUMBER}){_EXTENSION}(?![A-Za-z0-9]|[-.][0-9])"
_CALLED = any_of(
    "电话 热线 专线 客服 拨 拨打 致电 来电 咨询 手机 座机 固话 传真 联系 洽 总机 分机 呼叫 号码"
)
_EMERGENCY = "(?:110|112|113|119|120|122|165|911|995|999|12110|12395)"
_EMERGENCY_BEFORE = any_of("火警 急救 报警 匪警 交通事故 救援 急救车 救护车 反诈 消防 医疗急救")
_HOTLINE = (
    r"(?:95[0-9]{3,4}|96[0-9]{3,4}|100(?:86|10|01|50|60)|116114"
    r"|12(?:1(?:06|10|14|17|18|19|21|22|23)|3[0-9]{2}|520|530|580|590))"
)
_HOTLINE_AFTER = any_of(
    "报警 急救 火警 指挥 接警 救护 救援 平台 热线 客服 服务热线 政务 专线 服务电话 短信 官网"
    " 客户端 便民 电话 反诈"
)


def telephone(match: re.Match[str], _: Locale) -> Value:
    text, extension = match.group(), match["extension"] or ""
    if extension:
        text = text[: match.start("extension") - match.start()]
    return Telephone(tuple(_groups(text)), text.startswith("+"), extension)


def _lettered(match: re.Match[str], _: Locale) -> Value:
    """Return 1-800-GO-U-HAUL: digits, and then words."""
    groups = match.group().split("-")
    digits = tuple(group for group in groups if group.isdigit())
    return Sequence((Digits(digits), Words("，" + " ".join(groups[len(digits) :]))))


def _groups(text: str) -> list[str]:
    """Return the groups of a number as written, or as it is read where it has none."""
    *groups, last = digits_in(text)
    if len(last) == 11 and last[0] == "1":
        return [*groups, last[:3], last[3:7], last[7:]]
    if not groups and len(last) == 10:
        return [last[:3], last[3:6], last[6:]]
    return [*groups, last]


def say_list(text: str) -> Value:
    """Return a list of codes; 或 and 和 between them are said, other separators are pauses."""
    parts = re.split(r"\s?(或者|以及|[/、,，或和及与])\s?", text)
    values: list[Value] = []
    for part in filter(None, parts):
        if re.search("[0-9]", part):
            values.append(_telephone_or_code(part))
        else:
            values.append(Words("，" if part in "/、,，" else part))
    return values[0] if len(values) == 1 else Sequence(tuple(values))


def _telephone_or_code(text: str) -> Value:
    found = re.fullmatch(PHONE, text)
    return telephone(found, "zh-CN") if found else spelled(text)


def _list(match: re.Match[str], _: Locale) -> Value:
    return say_list(match.group())


def _spelled(match: re.Match[str], _: Locale) -> Value:
    return spelled(match.group())


_NO_SUM = "(?<![约共达超近余总数计额为至])"
_NO_COUNT = rf"(?!{COUNTED})"
_NEXT = rf"(?:\s?(?:或者|[/、,，或和及])\s?{_EMERGENCY}(?![0-9]))"
ROWS = (
    Row("telephone", START + PHONE, telephone, starts="0-9+("),
    Row("telephone", START + PHONE, telephone, CERTAIN, rf"{_CALLED}[:是为\s]{{0,3}}",
        starts="0-9+("),
    Row("telephone", START + _LETTERED + r"(?![A-Za-z0-9-])", _lettered, NAMED + 1),
    Row("hotline", rf"{START}{_EMERGENCY}{_NEXT}{{1,9}}{_NO_COUNT}", _list, NAMED),
    Row("hotline", rf"{START}{_EMERGENCY}(?![0-9]){_NO_COUNT}", _spelled, NAMED,
        rf"{_EMERGENCY_BEFORE}[:\s请拨打电话]{{0,5}}"),
    Row("hotline", START + _NO_SUM + _HOTLINE + END + _NO_COUNT, _spelled, PLAIN),
    Row("hotline", rf"{START}[0-9]{{3,8}}{END}", _spelled, NAMED, after=rf"\s?{_HOTLINE_AFTER}"),
)  # fmt: skip
