"""Rooms, seats, plates, trains and flights."""

import re

from seedcast.gpu_consumers.text.classify import CERTAIN, NAMED, Row
from seedcast.gpu_consumers.text.mandarin.classes.patterns import (
    COUNTED,
    END,
    START,
    any_of,
    spelled,
)
from seedcast.gpu_consumers.text.values import Digits, Number, Sequence, Value, Words
from seedcast.schemas.locales import Locale

_ROOM_AFTER = (
    r"\s?(?:室|号?房(?!价|产|贷|租|屋|源|型|款)|业主|住户|住客|号床|号?柜门|号"
    + any_of("铺 教室 会议室 病房 包间 包厢 诊室 寝室 宿舍") + "|"
    + any_of("教室 会议室 病房 包间 包厢 诊室 寝室 宿舍") + ")"
)  # fmt: skip
_PLACE_BEFORE = (
    r"(?:[栋幢座楼层铺弄](?!下)|[苑园庭府邸]|"
    + any_of("单元 号楼 校区 小区 花园 公寓 大厦 社区 公馆 会议室 教室 办公室 诊室 病房")
    + r")[\s-]?"
)  # fmt: skip
_SEAT_BEFORE = (
    r"(?:座位号?|座号?|席位|检票口|登机口|闸口|看台|展位|[车排])[:为是在\s]{0,3}"
    r"(?:[0-9]{1,2}车\s?)?"
)
_PROVINCE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领]"
_TRAIN_BEFORE = any_of("高铁 台铁 自强号 自强 莒光号 区间车 列车 车次 火车") + r"\s?"
_FLIGHT_BEFORE = r"(?:航班号?|班机|乘坐的?|搭乘的?|(?i:flight))[:为是\s]{0,2}"


def _spelled(match: re.Match[str], _: Locale) -> Value:
    return spelled(match.group())


def _seat(match: re.Match[str], _: Locale) -> Value:
    return Sequence((Number(match.group()[:-1]), Digits((match.group()[-1],))))


def _row(match: re.Match[str], _: Locale) -> Value:
    return Number(match.group())


def _floor(match: re.Match[str], _: Locale) -> Value:
    """Return 18/F of Hong Kong as 十八楼."""
    return Sequence((Number(match.group()[:-2]), Words("楼")))


def _door(match: re.Match[str], locale: Locale) -> Value | None:
    """Return 15-2号, the second door of a house; 1-99号 are all the houses between."""
    first, last = match.group().split("-")
    if int(first) <= int(last):
        return None
    return Sequence((Number(first), Words("之" if locale == "zh-TW" else "杠"), Number(last)))


def _plate(match: re.Match[str], _: Locale) -> Value:
    return Digits(tuple(re.findall("[A-Z0-9]+", match.group())))


_NO_COUNT = rf"(?!{COUNTED})"
_PARTS = rf"{START}[0-9]{{1,4}}(?: ?- ?[0-9]{{1,4}}){{1,4}}{END}"
_FLIGHT = r"(?:[A-Z]{2}|[0-9][A-Z]|[A-Z][0-9])\s?[0-9]{3,4}(?![A-Za-z0-9])"
ROWS = (
    Row("room", rf"{START}[0-9]{{3,4}}{END}", _spelled, NAMED, after=_ROOM_AFTER),
    Row("room", rf"{START}[0-9]{{3,4}}{END}{_NO_COUNT}", _spelled, NAMED, _PLACE_BEFORE),
    Row("room", rf"{START}[0-9]{{3,4}}", _spelled, NAMED, r"(?:单元|[栋幢])\s?", after="户"),
    Row("class", rf"{START}[0-9]{{3}}", _spelled, NAMED, r"班级[:为是]{0,2}", "班"),
    Row("room", _PARTS, _spelled, NAMED + 2, after=_ROOM_AFTER),
    Row("room", _PARTS + _NO_COUNT, _spelled, NAMED + 2, _PLACE_BEFORE),
    Row("seat", r"[0-9]{1,3}[A-K](?![A-Za-z0-9])", _seat, NAMED, _SEAT_BEFORE),
    Row("seat", rf"{START}[0-9]{{1,3}}(?=排)", _row, NAMED, after="排[0-9]{1,3}[座号]"),
    Row("building", rf"{START}[0-9]{{1,2}}(?=座)", _row, NAMED, after="座[0-9]{1,2}(?:楼|/F)"),
    Row("plate", r"[A-Z][·. -]?[A-HJ-NP-Z0-9]{4,6}(?![A-Z0-9])", _plate, CERTAIN, _PROVINCE,
        starts="A-Z"),
    Row("plate", r"[A-Z]{1,3} [0-9]{1,4}(?![A-Za-z0-9])", _spelled, NAMED + 1,
        r"(?:车牌(?:号码?)?|[单编]号)[:为是\s]{0,3}", starts="A-Z"),
    Row("number", rf"{START}[0-9]{{1,4}}-[0-9]{{1,2}}(?=号(?!楼))", _door, NAMED + 1,
        r"(?:[路街道巷弄村]|门牌)\s?"),
    Row("train", r"[GDCZTKLYS][0-9]{1,4}(?:/[0-9]{1,4})?(?![A-Za-z0-9])", _spelled, NAMED,
        after=r"\s?(?:次|列车|动车|高铁)", starts="A-Z"),
    Row("train", rf"{START}[0-9]{{3,4}}", _spelled, NAMED + 1, _TRAIN_BEFORE, r"\s?[次车班]"),
    Row("floor", rf"{START}[0-9]{{1,2}}/F(?![A-Za-z0-9])", _floor, NAMED),
    Row("flight", _FLIGHT, _spelled, NAMED, after=r"\s?(?:次?航班|次?班机|次)", starts="A-Z0-9"),
    Row("flight", _FLIGHT, _spelled, NAMED, _FLIGHT_BEFORE, starts="A-Z0-9"),
    Row("flight", r"[0-9]{3,4}(?![A-Za-z0-9])", _spelled, NAMED, rf"{_FLIGHT_BEFORE}[A-Z]{{2}}\s"),
)  # fmt: skip
