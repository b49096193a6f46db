"""Written Mandarin to spoken Mandarin: the rules, tried in their order at each position.

`numbers` turns numbers into words. A whole sentence never goes to wetext 0.1.8, because it garbles:

- "123456，5分钟" is one number.
- "1,000" is "一,零零零".
- "10%-20%" is "百分之十百分之负二十".
- "+86 138 0013 8000" has counts in it.
- "3-4" is "三减四".
- "0:00" is "零比零零".

1 is 幺 in codes and telephone numbers, and 一 in years. Amounts in yuan are said in 元, 角 and 分.
3/5 is a fraction, 12/31 a date.
"""

import re

from seedcast.gpu_consumers.text.alphabet import HAN
from seedcast.gpu_consumers.text.english import legacy_units as units
from seedcast.gpu_consumers.text.mandarin.legacy_dates import (
    DAY,
    HALF,
    TIME,
    say_clock_time,
    say_date,
    say_half_day_hour,
    say_month_day,
    say_slash,
)
from seedcast.gpu_consumers.text.numbers import (
    digit_groups,
    zh_count,
    zh_counted,
    zh_digits,
    zh_number,
)
from seedcast.gpu_consumers.text.rules import (
    CODE,
    CURRENCY,
    LINK,
    MASKED,
    NUMBER,
    RANGE,
    START,
    Rule,
    Rules,
    digits_in,
    numbers_in,
    say,
    say_code,
    say_link,
    text_before,
)

_YUAN = ("¥", "CNY", "RMB", "元")
_MONEY = {
    "$": "美元", "USD": "美元", "HKD": "港元", "€": "欧元", "EUR": "欧元", "£": "英镑",
    "GBP": "英镑", "JPY": "日元", "¥": "元", "CNY": "元", "RMB": "元", "元": "元",
}  # fmt: skip
_CURRENCY_CODE = "USD|HKD|EUR|GBP|CNY|RMB|JPY"
_LINK_SIGNS = {
    ".": "点", "/": "斜杠", "@": "at", "-": "杠", "_": "下划线", "?": "问号",
    "=": "等于", "&": "和", ":": "冒号", "%": "百分号", "#": "井号", "+": "加",
}  # fmt: skip
_SIGNS = {
    "&": "和", "@": "at", "%": "百分号", "+": "加", "=": "等于", "#": "井号",
    "°": "度", "×": "乘", "÷": "除以", "±": "正负", "≈": "约等于",
    "$": "美元", "¥": "元", "€": "欧元", "£": "英镑", "‰": "千分号",
    "²": "平方", "³": "立方",
}  # fmt: skip
_CODE_BEFORE = re.compile(  # words after which digits are a code
    r"(?:码|密码|口令|订单|运单|单号|尾号|编号|号码|卡号|账号|工号|学号|票号|车牌"
    r"|热线|电话|客服|拨打?|致电|房间|航班|车次|号|code|order|No\.?|ID)"
    r"(?:[:#\s，,]|是|为|号|尾|后|四|位)*$",
    re.IGNORECASE,
)
_HOTLINE = re.compile(r"95\d{3}|100(?:86|10|00)|123(?:06|45|15)")
_MEASURE_AFTER = re.compile(  # measure words, before which digits are a count
    r"\s?[元个件笔单份条次天年月日周小时分秒人名张台部盒箱包瓶杯岁倍块"
    r"万亿千百十套位点米公里克升户项期]"
)


def _spell(digits: str) -> str:
    return "，".join(map(zh_digits, digit_groups(digits)))


def _spell_runs(match: re.Match[str]) -> str:
    return "，".join(map(zh_digits, digits_in(match.group())))


def _spell_year(match: re.Match[str]) -> str:
    return zh_digits(match.group(), one="一")


def _say_phone(match: re.Match[str]) -> str:
    if match.group()[0] == "+":
        return "加" + _spell_runs(match)
    parts = digits_in(match.group())
    if len(parts) == 1:  # grouped as 138 0013 8000, 010 1234 5678 or 400 820 8820
        number = parts[0]
        first, second = (3, 7) if len(number) == 11 else (3, 6)
        parts = [number[:first], number[first:second], number[second:]]
    return "，".join(map(zh_digits, parts))


def _say_money(match: re.Match[str]) -> str:
    text = match.group()
    sign = next(sign for sign in _MONEY if sign in text)
    number = numbers_in(text)[0].replace(",", "")
    whole, _, fraction = number.partition(".")
    scale = next((sign for sign in "万亿" if sign in text), "")
    fraction = "" if not int(fraction or 0) else fraction.rstrip("0")
    if scale or len(fraction) > 2 or (fraction and sign not in _YUAN):
        return zh_number(f"{whole}.{fraction}" if fraction else whole) + scale + _MONEY[sign]
    if fraction:
        return _zh_yuan(whole, fraction.ljust(2, "0"))
    return zh_counted(whole, "元") + _MONEY[sign]


def _zh_yuan(whole: str, fraction: str) -> str:
    """Return an amount of yuan in words; `fraction` has two digits. 12.05 is 十二元零五分."""
    tenths, hundredths = fraction[0], fraction[1]
    spoken = "" if not int(whole) else zh_counted(str(int(whole)), "元") + "元"
    if tenths != "0":
        spoken += zh_counted(tenths, "角") + "角"
    elif spoken:
        spoken += "零"
    return spoken + (zh_counted(hundredths, "分") + "分" if hundredths != "0" else "")


def _say_measure(match: re.Match[str]) -> str:
    number = numbers_in(match.group())[0]
    template = units.ZH[match.group()[len(number) :].strip().replace("^2", "²")]
    is_liang = number == "2" and template.startswith("{}") and template[2] not in "T度"
    return template.format("两" if is_liang else zh_number(number))


def _say_negative_percent(match: re.Match[str]) -> str:
    return "百分之负" + zh_number(numbers_in(match.group())[0])


def _say_ordinal(match: re.Match[str]) -> str:
    return "第" + zh_count(digits_in(match.group())[0])


def _say_number_sign(match: re.Match[str]) -> str:
    """Say #5 as 五号."""
    return zh_count(digits_in(match.group())[0]) + "号"


def _say_version(match: re.Match[str]) -> str:
    version = "版本" if match.group()[0] in "vV" else ""
    return version + "点".join(map(zh_count, digits_in(match.group())))


def _say_code(match: re.Match[str]) -> str:
    return say_code(match.group(), zh_count, _spell)


def _say_ratio(match: re.Match[str]) -> str:
    return "比".join(map(zh_count, digits_in(match.group())))


def _say_integer(match: re.Match[str]) -> str:
    """Say a count; spell what looks like a code.

    A code has a leading zero, seven digits or more, a word such as 尾号 before it, or is a hotline.
    Before a measure word nothing is a code.
    """
    digits, following = match.group(), match.string[match.end() : match.end() + 3]
    is_named = _CODE_BEFORE.search(text_before(match, 16)) or _HOTLINE.fullmatch(digits)
    is_code = (
        (digits[0] == "0" and len(digits) > 1)
        or (len(digits) >= 7 and not digits.endswith("000"))
        or (len(digits) >= 3 and is_named)
    )
    if is_code and not _MEASURE_AFTER.match(following):
        return _spell(digits)
    return zh_counted(digits, following.lstrip())


_PHONE = (
    r"(?<![\w+-])\+\d[\d ()-]{6,18}\d(?!\d)"
    r"|(?<![\w.-])(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{2,3}[ -]\d{7,8}"
    r"|[48]00[ -]?\d{3}[ -]?\d{4})(?![\d-])"
)
_DATE = (
    rf"{START}(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.]{DAY}日?(?!\d)"
    rf"|(?<!\d)(?:19|20)\d\d年(?:0?[1-9]|1[0-2])月{DAY}日"
)
_MONTH_DAY_AND_TIME = rf"(?<![\w.-])(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?=\s{TIME}:)"
_MONEY_AFTER_SIGN = (
    rf"(?:{CURRENCY}|(?<![A-Za-z])(?:{_CURRENCY_CODE}))\s?{NUMBER}"
    r"(?:\s?[万亿]?元|\s?[万亿])?(?!\d)"
)
_ROOM_OR_TRAIN = r"(?<!\d)\d{3,4}(?=\s?(?:室|房|号房|号楼|次列车|次航班))"
_COMMAS_OR_POINT = r"(?<!\d)(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![,.]?\d)|\d+\.\d+)"

RULES: tuple[Rule, ...] = (
    (LINK, lambda match: say_link(match.group(), _LINK_SIGNS, zh_digits)),
    (_PHONE, _say_phone),
    (_DATE, say_date),
    (r"(?<![\d.])(?:19|20)\d\d(?=\s?(?:年|届|版|款|级|赛季))", _spell_year),
    (_MONTH_DAY_AND_TIME, say_month_day),
    (r"(?<![\w.-])0[1-9]-(?:0[1-9]|[12]\d|3[01])(?![\d-])", say_month_day),
    (rf"{START}{TIME}:[0-5]\d(?::[0-5]\d)?(?!\d)(?:{HALF})?", say_clock_time),
    (rf"{START}(?:0?[1-9]|1[0-2]){HALF}", say_half_day_hour),
    (_MONEY_AFTER_SIGN, _say_money),
    (rf"{START}{NUMBER}\s?(?:{_CURRENCY_CODE}|{CURRENCY}|元)(?![A-Za-z\d])", _say_money),
    (rf"(?:(?<![\w)%])|(?<=[{HAN}]))-{NUMBER}\s?%", _say_negative_percent),
    (rf"{START}{NUMBER}\s?{units.UNIT}", _say_measure),
    (r"第\s?\d+(?![\d.])", _say_ordinal),
    (r"#\s?\d{1,4}(?![\d.])", _say_number_sign),
    (rf"{START}[vV]?\d+(?:\.\d+){{2,}}(?!\d)", _say_version),
    (r"(?:版本\s?)?(?<![A-Za-z])[vV](?=\d+\.\d)", say("版本")),
    (MASKED, _spell_runs),
    (RANGE, say("到")),
    (rf"(?:(?<![\w)])|(?<=[{HAN}]))-\s?(?={CURRENCY}?\d)", say("负")),
    (r"(?<=\d)\s?-\s?(?=\d+\s?=)", say("减")),
    (CODE, _say_code),
    (r"(?<!\d)[5-90]\d(?=后)", _spell_year),
    (_ROOM_OR_TRAIN, lambda match: zh_digits(match.group())),
    (rf"{START}\d{{1,4}}/\d{{1,4}}(?![\d/])", say_slash),
    (rf"{START}\d+:\d+(?![\d:])", _say_ratio),
    (_COMMAS_OR_POINT, lambda match: zh_number(match.group())),
    (r"\d+", _say_integer),
    (r"(?<=\d)\s?[*×x]\s?(?=\d)", say("乘")),
    (r"\*{1,}|#{2,}|={3,}|\+{3,}|[$¥€£%&@°]{3,}", say("，")),
    (r"<=|≤", say("小于等于")),
    (r">=|≥", say("大于等于")),
    (r"<(?=\s?\d)", say("小于")),
    (r"(?<![-=])>(?=\s?\d)", say("大于")),
    (r"->|=>|→", say("到")),
    *((re.escape(sign), say(words)) for sign, words in _SIGNS.items()),
)
verbalise = Rules(RULES)
