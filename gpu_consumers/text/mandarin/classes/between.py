"""Signs between values and before them: to, minus, per, times, equals."""

import re
from collections.abc import Callable

from seedcast.gpu_consumers.text.classify import LIKELY, NAMED, PLAIN, Row
from seedcast.gpu_consumers.text.mandarin.classes.money import CURRENCY
from seedcast.gpu_consumers.text.mandarin.classes.patterns import (
    DASH,
    HAN,
    NUMBER,
    START,
    WHOLE_NUMBER,
    number_of,
)
from seedcast.gpu_consumers.text.mandarin.measures import MEASURE_WORD, unit_words
from seedcast.gpu_consumers.text.mandarin.signs import SIGNS
from seedcast.gpu_consumers.text.units import SIGN, key_of
from seedcast.gpu_consumers.text.values import Sequence, Sign, Value, Words
from seedcast.schemas.locales import Locale

_VALUE_BEFORE = (
    rf"[0-9](?:[%‰\"'²³]|\s?°?[A-Za-z²³/]{{1,6}}|°|\s?{MEASURE_WORD}|日|月|号楼"
    r"|\s?[AaPp]\.?[Mm]\.?)?"
)
_VALUE_AFTER = rf"\s?-?\s?(?:{CURRENCY}|第)?\s?\.?[0-9]"
_DAY_BEFORE = "(?:周|星期|礼拜)[一二三四五六日天]"
_DAY_AFTER = "(?:周|星期|礼拜)?[一二三四五六日天]"
_PART_OF_DAY = "(?:[次翌隔]日|第二天|[当明][日天]|[凌清]晨|[上中下]午|傍晚|晚上?|早上?)(?![餐宴])"
_NOTHING_BEFORE = (
    r"(?:^|[\s(:,，。、；;~=<>≤≥±/]|[为是至到达降约在率额益动比跌差温度]|余额|收益|结余)"
)
_AMOUNT_AFTER = rf"(?:{CURRENCY})?\s?\.?[0-9]"
_QUANTITY_AFTER = (
    rf"\s?(?:{CURRENCY})?\s?{NUMBER}\s?(?:[°%‰元度万亿米]|个百分点|[层楼](?!之)|dB|{CURRENCY})"
    rf"|(?:{CURRENCY})\s?{NUMBER}"
)
_NO_PLACE_BEFORE = rf"(?![座栋幢楼层区号室厅门路弄苑道线]){HAN}"
_SMALL_AFTER = r"[1-9]?[0-9]{1,2}(?:\.[0-9]{1,9})?(?![0-9.-]|\s?(?:[室号栋楼路弄门座层期班]|单元))"
_RESULT_AFTER = r"\s?[0-9.]{1,15}\s?[-+×÷*/=]?\s?[0-9.]{0,15}\s?(?:=|等于)"
_PER_MANY = r"(?:km|公里|k?g|克|m?[lL]|毫?升|[次人件])(?![A-Za-z0-9])"
_PER_TIME = r"(?:h|min|小时|分钟|[天次人件个晚])(?![A-Za-z0-9])"
_PER = (
    r"\s?(?:[次天日月年周时分秒人度吨斤克升件个晚间位台箱盒包米张节课户份股单笔瓶条餐顿支针车方平亩桌]"
    r"|[辆趟页颗季条]|小时|公斤|千克|公里|平米|平方|立方|毫升|学[期年])"
)


def _say(words: str) -> Callable[[re.Match[str], Locale], Value]:
    return lambda match, locale: Words(words)


def _times(match: re.Match[str], _: Locale) -> Value:
    return Sequence((number_of(match["amount"]), Words("乘")))


def _per_unit(match: re.Match[str], _: Locale) -> Value:
    return Words("每" + unit_words(key_of(match["unit"]))[1])


def _sign(match: re.Match[str], _: Locale) -> Value:
    return Sign(match.group())


ROWS = (
    Row("range", rf"{DASH}\s?", _say("到"), PLAIN + 1, _VALUE_BEFORE, _VALUE_AFTER, "~–—-"),
    Row("range", rf"{DASH}\s", _say("到"), PLAIN + 1, rf"{_VALUE_BEFORE}\s", _VALUE_AFTER, "~–—-"),
    Row("range", DASH, _say("到"), PLAIN, _DAY_BEFORE, _DAY_AFTER, "~–—-"),
    Row("range", rf"\s?{DASH}\s?", _say("到"), PLAIN + 1, r"(?::[0-9]{2}|[0-9][点时分日])\s?",
        _PART_OF_DAY, "~–—-"),
    Row("minus", "-", _say("负"), PLAIN, _NOTHING_BEFORE, _AMOUNT_AFTER, "-"),
    Row("minus", "-", _say("负"), PLAIN, HAN, _QUANTITY_AFTER, "-"),
    Row("minus", "-", _say("负"), LIKELY, _NO_PLACE_BEFORE, _SMALL_AFTER, "-"),
    Row("minus", "-", _say("负"), NAMED, after="百分之", starts="-"),
    Row("equation", "-", _say("减"), NAMED, r"[0-9)]\s?", _RESULT_AFTER, "-"),
    Row("minus", DASH, _say("减"), NAMED, r"满[0-9]{1,6}\s?元?", r"\s?[0-9]", "~–—-"),
    Row("equation", rf"{START}(?P<amount>{WHOLE_NUMBER})\s?[xX*×](?=\s?[0-9])", _times, NAMED),
    Row("rate", r"\s?/\s?", _say("每"), NAMED, rf"(?:{_VALUE_BEFORE}|{MEASURE_WORD})\s?", _PER,
        "/"),
    Row("rate", r"\s?/\s?", _say("每"), NAMED, _VALUE_BEFORE, rf"\s?10{{0,4}}\s?{_PER_MANY}", "/"),
    Row("rate", r"\s?/\s?", _say("每"), NAMED, r"[元块]\s?", rf"\s?[0-9]{{1,4}}\s?{_PER_TIME}",
        "/"),
    Row("rate", rf"\s?/\s?(?P<unit>{SIGN})(?![A-Za-z0-9])", _per_unit, NAMED + 1,
        rf"(?:{HAN}|[0-9][\"']?)\s?", starts="/"),
    Row("rate", "·", _say("每"), NAMED, r"[元块]/(?:m2|平方米|平米|[平户人])", "[月年天日]", "·"),
    Row("equation", r"\*", _say("乘"), NAMED + 1, r"[0-9](?:m?[gl]|mL|毫?[克升]|[片粒袋支板])",
        "[0-9]", "*"),
    # The door of a house, which is no last floor.
    Row("sign", "-", _say("，"), NAMED, "[0-9](?:[栋幢座楼层]|单元)",
        "[0-9]{3,4}(?![0-9层楼栋幢座])", "-"),
    Row("sign", r"\*(?=号?键|号)", _say("星"), NAMED, starts="*"),
    Row("sign", "#(?=号)", _say("井"), NAMED, starts="#"),
    Row("sign", r"[*#=+]{2,}|[$¥€£%&@°]{3,}", _say("，"), PLAIN, starts="*#=+$¥€£%&@°"),
    Row("sign", r"<=", lambda match, _: Sign("≤"), PLAIN, starts="<"),
    Row("sign", r">=", lambda match, _: Sign("≥"), PLAIN, starts=">"),
    Row("sign", r"->|=>", lambda match, _: Sign("→"), PLAIN, starts="=-"),
    *(
        Row("sign", re.escape(sign), _sign, LIKELY, starts=re.escape(sign))
        for sign in SIGNS
        if sign != "-"
    ),
)  # fmt: skip
