"""Codes: numbers beside a word of their kind, and numbers that cannot be a count."""

import re

from seedcast.gpu_consumers.text.classify import GUESS, LIKELY, NAMED, Row
from seedcast.gpu_consumers.text.mandarin.classes.patterns import (
    COUNTED,
    END,
    HAN,
    START,
    any_of,
    spelled,
    text_before,
)
from seedcast.gpu_consumers.text.mandarin.classes.telephones import say_list
from seedcast.gpu_consumers.text.patterns import digits_in
from seedcast.gpu_consumers.text.units import SIGN
from seedcast.gpu_consumers.text.values import Digits, Value
from seedcast.schemas.locales import Locale

_WORDS = any_of(
    "密码 口令 订单 运单 货单 保单 工单 单据 号码 卡片 车牌 热线 电话 专线 客服 拨 拨打 致电 来电"
    " 咨询 手机 座机 传真 分机 总机 房间 航班 班机 车次 列车 班次 邮编 邮递区号 会议 房号 身份证"
    " 准考证 护照 证件 门牌 尾数 末四码 末4码 后四码 后四位 统编 户口 账户 帐户 银行卡 信用卡"
    " 储蓄卡 借记卡 市话 请电 可电 QQ 微信 输入 回复 发送 短信 转 洽 打 端口 股票 凭"
)
_ENGLISH_WORDS = (
    r"(?<![A-Za-z])(?i:code|pin|otp|flight|order|no\.?|tel|phone|fax|ext\.?|ids?|hotline|password"
    r"|room|ticket|locker|ref)"
)
_KIND = (
    rf"(?:{_WORDS}|(?<![A-Za-z])CVV|(?<![尺页起数条])码|{_ENGLISH_WORDS}"
    r"|[后末尾前][46四六]位数?|[单编号尾卡账帐户证学工房桌牌票水件箱柜批]号"
    r"|(?<![0-9一二三四五六七八九十两月日])号)"
)
_LINK = (
    r"(?:[:#\s，,=(\"']|[是为系号码尾末后前请以至到]|[46四]位|is(?=\s)|致电|拨打?|分别|发到){0,8}"
)
_BEFORE = _KIND + _LINK
# 发送YES到85258: the number that a keyword is sent to.
_KEYWORD_TO = r"(?i:reply|text|send|回复|编辑|发送?)\s?\"?[A-Za-z0-9]{1,16}\"?\s?(?:到|至|to)\s?"
_NO_COUNT = rf"(?!{COUNTED}|[0-9])"
_CODE = (
    r"[0-9]{1,40}(?: ?- ?[0-9A-Za-z]{1,20}){0,6}(?![A-Za-z0-9])"
    rf"(?:[ ][0-9]{{2,8}}(?:-[0-9]{{1,8}})?(?![A-Za-z0-9./-]){_NO_COUNT}){{0,6}}"
)
_NEXT = (
    r"(?:\s?(?:或者|以及|[/、或和及与])\s?(?:[0-9]{3,20}(?:-[0-9]{2,12}){0,3})"
    rf"{_NO_COUNT}){{0,9}}"
)
_MEASURE = rf"[0-9.]{{1,20}}(?=[A-Za-z/]{{2}}){SIGN}(?:/{SIGN})?(?![A-Za-z0-9-])"  # 128GB
_MIXED = (
    rf"(?!{_MEASURE})"
    r"(?=[A-Za-z-]{1,20}[0-9]|[0-9]{1,20}-?[A-Za-z])"
    r"[A-Za-z0-9]{1,30}(?:-[A-Za-z0-9]{1,20}){0,6}"
)
_AFTER = (
    r"[\s,，(:'\"]{0,2}(?:是|为|即|作为|,|，)?[^0-9。，,;]{0,12}?"
    rf"(?:{HAN}{{0,4}}[证验态货件餐换活请销口密团]码|动态密码|口令|(?i:otp|code|pin)\b)"
)


_NO_SUM = "(?<![量数额总达约超近过共破])"
_ALWAYS_SPELLED = ("码", "密码", "口令", "尾号", "转", "分机")
_END = r"(?![A-Za-z0-9]|[.,][0-9])"


def _spelled(match: re.Match[str], _: Locale) -> Value:
    return spelled(match.group())


def _listed(match: re.Match[str], _: Locale) -> Value | None:
    """Return a code and the others of its list; one of two digits is a count, or a rank."""
    text = match.group()
    is_short = len(text) < 3 and text[0] != "0"
    if is_short and (len(text) == 1 or not text_before(match).endswith(_ALWAYS_SPELLED)):
        return None
    return say_list(text)


def _masked(match: re.Match[str], _: Locale) -> Value:
    return Digits(tuple(digits_in(match.group())))


def _long(match: re.Match[str], _: Locale) -> Value | None:
    """Return a long string of digits; a round number is a count after all."""
    text = match.group()
    return None if text.endswith("000") and text[0] != "0" else spelled(text)


ROWS = (
    Row("code", rf"{_CODE}{_NEXT}{_NO_COUNT}(?![/.:][0-9])", _listed, NAMED, _BEFORE),
    # It looks like a date whose year is last, but stands beside its word.
    Row("code", rf"[0-9]{{1,3}}-[0-9]{{1,3}}-[0-9]{{4}}{_END}", _spelled, NAMED + 2,
        r"(?:[码号柜]|密码|口令)[:\s是为]{0,3}"),
    Row("code", _MIXED, _spelled, NAMED, _BEFORE, starts="A-Za-z0-9"),
    Row("code", rf"[0-9]{{4,8}}{_END}{_NO_COUNT}", _spelled, NAMED, _KEYWORD_TO),
    Row("code", rf"[0-9]{{4,8}}(?:[ -][0-9]{{3,4}}){{0,2}}{END}", _spelled, NAMED, after=_AFTER),
    Row("code", rf"[0-9]{{3}}[ -][0-9]{{3}}{END}", _spelled, NAMED, after=_AFTER),
    Row("code", r"[0-9]{1,8}\*{2,16}[0-9]{0,8}|\*{1,16}[0-9]{1,8}", _masked, NAMED, starts="0-9*"),
    # Seven digits or more, or a leading zero.
    Row("code", rf"{START}(?:{_NO_SUM}[0-9]{{7,60}}|0[0-9]{{1,60}})[Xx]?{_END}{_NO_COUNT}", _long,
        LIKELY),
    Row("code", rf"{START}[0-9]{{3,4}}(?: [0-9]{{3,4}}){{1,5}}{END}{_NO_COUNT}", _spelled, LIKELY),
    Row("code", rf"{START}[0-9]{{1,4}}(?:-[0-9]{{1,4}}){{2,5}}{END}{_NO_COUNT}", _spelled, LIKELY),
    Row("code", r"[0-9]{1,60}", _spelled, GUESS - 10),
)  # fmt: skip
