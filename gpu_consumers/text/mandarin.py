"""Written Mandarin to spoken Mandarin: one table, tried in order at each place. Numbers go to `numbers`, which says what wetext does with them.

A whole sentence never goes to wetext 0.1.8, for it garbles: "123456，5分钟" is one number, "1,000" is "一,零零零", "10%-20%" is
"百分之十百分之负二十", "+86 138 0013 8000" has counts in it, "3-4" is "三减四", "0:00" is "零比零零".
幺 is said in codes and telephone numbers, 一 in years. Amounts in yuan are said in 元, 角 and 分. 3/5 is a fraction, 12/31 a date.
"""

import re

from gpu_consumers.text import units
from gpu_consumers.text.alphabet import HAN
from gpu_consumers.text.mandarin_dates import (
    DAY,
    HALF,
    TIME,
    clock,
    date,
    half_day,
    month_day,
    slash,
)
from gpu_consumers.text.numbers import groups, zh_count, zh_counted, zh_digits, zh_number
from gpu_consumers.text.rules import (
    CODE,
    CURRENCY,
    LINK,
    MASKED,
    NUMBER,
    RANGE,
    START,
    Rule,
    Rules,
    code,
    digits_in,
    link,
    numbers_in,
    say,
)

_YUAN = ("¥", "CNY", "RMB", "元")
_MONEY = {
    "$": "美元", "USD": "美元", "HKD": "港元", "€": "欧元", "EUR": "欧元", "£": "英镑", "GBP": "英镑", "JPY": "日元",
    "¥": "元", "CNY": "元", "RMB": "元", "元": "元",
}  # fmt: skip
_NAMES = "USD|HKD|EUR|GBP|CNY|RMB|JPY"
_LINK_SIGNS = {
    ".": "点", "/": "斜杠", "@": "at", "-": "杠", "_": "下划线", "?": "问号", "=": "等于", "&": "和", ":": "冒号", "%": "百分号", "#": "井号", "+": "加",
}  # fmt: skip
_CODE_BEFORE = re.compile(
    r"(?:码|密码|口令|订单|运单|单号|尾号|编号|号码|卡号|账号|工号|学号|票号|车牌|热线|电话|客服|拨打?|致电|房间|航班|车次|号|code|order|No\.?|ID)"
    r"(?:[:#\s，,]|是|为|号|尾|后|四|位)*$",
    re.IGNORECASE,
)
_HOTLINE = re.compile(r"95\d{3}|100(?:86|10|00)|123(?:06|45|15)")
_MEASURE_AFTER = re.compile(
    r"\s?[元个件笔单份条次天年月日周小时分秒人名张台部盒箱包瓶杯岁倍块万亿千百十套位点米公里克升户项期]"
)


def _spelled(digits: str) -> str:
    return "，".join(map(zh_digits, groups(digits)))


def _phone(match: re.Match[str]) -> str:
    parts = digits_in(match.group())
    if match.group()[0] == "+":
        return "加" + "，".join(map(zh_digits, parts))
    if len(parts) == 1:  # 138 0013 8000, 010 1234 5678, 400 820 8820
        number = parts[0]
        sizes = (3, 7) if len(number) == 11 else (3, 6)
        parts = [number[: sizes[0]], number[sizes[0] : sizes[1]], number[sizes[1] :]]
    return "，".join(map(zh_digits, parts))


def _money(match: re.Match[str]) -> str:
    text = match.group()
    sign = next(sign for sign in _MONEY if sign in text)
    number = numbers_in(text)[0].replace(",", "")
    whole, _, fraction = number.partition(".")
    scale = next((sign for sign in "万亿" if sign in text), "")
    fraction = "" if not int(fraction or 0) else fraction.rstrip("0")
    if scale or len(fraction) > 2 or (fraction and sign not in _YUAN):
        return zh_number(f"{whole}.{fraction}" if fraction else whole) + scale + _MONEY[sign]
    return (
        _yuan(whole, fraction.ljust(2, "0")) if fraction else zh_counted(whole, "元") + _MONEY[sign]
    )


def _yuan(whole: str, fraction: str) -> str:
    """12.05 is 十二元零五分."""
    tenths, hundredths = fraction[0], fraction[1]
    spoken = "" if not int(whole) else zh_counted(str(int(whole)), "元") + "元"
    if tenths != "0":
        spoken += zh_counted(tenths, "角") + "角"
    elif spoken:
        spoken += "零"
    return spoken + (zh_counted(hundredths, "分") + "分" if hundredths != "0" else "")


def _measure(match: re.Match[str]) -> str:
    number = numbers_in(match.group())[0]
    template = units.ZH[match.group()[len(number) :].strip().replace("^2", "²")]
    return template.format(
        "两"
        if number == "2" and template.startswith("{}") and template[2] not in "T度"
        else zh_number(number)
    )


def _signed_percent(match: re.Match[str]) -> str:
    return "百分之负" + zh_number(numbers_in(match.group())[0])


def _ordinal(match: re.Match[str]) -> str:
    return "第" + zh_count(digits_in(match.group())[0])


def _integer(match: re.Match[str]) -> str:
    """A count, unless it looks like a code: a leading zero, seven digits and more, or a word such as 尾号 before."""
    digits, following = match.group(), match.string[match.end() : match.end() + 3]
    counted = _MEASURE_AFTER.match(following)
    before = match.string[max(0, match.start() - 16) : match.start()]
    is_code = len(digits) >= 3 and (_CODE_BEFORE.search(before) or _HOTLINE.fullmatch(digits))
    if (digits[0] == "0" and len(digits) > 1 and not counted) or (
        not counted and ((len(digits) >= 7 and not digits.endswith("000")) or is_code)
    ):
        return _spelled(digits)
    return zh_counted(digits, following.lstrip())


RULES: tuple[Rule, ...] = (
    (LINK, lambda match: link(match.group(), _LINK_SIGNS, zh_digits)),
    (r"(?<![\w+-])\+\d[\d ()-]{6,18}\d(?!\d)|(?<![\w.-])(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|0\d{2,3}[ -]\d{7,8}|[48]00[ -]?\d{3}[ -]?\d{4})(?![\d-])", _phone),
    (rf"{START}(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.]{DAY}日?(?!\d)|(?<!\d)(?:19|20)\d\d年(?:0?[1-9]|1[0-2])月{DAY}日", date),
    (r"(?<![\d.])(?:19|20)\d\d(?=\s?(?:年|届|版|款|级|赛季))", lambda match: zh_digits(match.group(), one="一")),
    (rf"(?<![\w.-])(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?=\s{TIME}:)", lambda match: month_day(*digits_in(match.group()))),
    (r"(?<![\w.-])0[1-9]-(?:0[1-9]|[12]\d|3[01])(?![\d-])", lambda match: month_day(*digits_in(match.group()))),
    (rf"{START}{TIME}:[0-5]\d(?::[0-5]\d)?(?!\d)(?:{HALF})?", clock),
    (rf"{START}(?:0?[1-9]|1[0-2]){HALF}", half_day),
    (rf"(?:{CURRENCY}|(?<![A-Za-z])(?:{_NAMES}))\s?{NUMBER}(?:\s?[万亿]?元|\s?[万亿])?(?!\d)", _money),
    (rf"{START}{NUMBER}\s?(?:{_NAMES}|{CURRENCY}|元)(?![A-Za-z\d])", _money),
    (rf"(?:(?<![\w)%])|(?<=[{HAN}]))-{NUMBER}\s?%", _signed_percent),
    (rf"{START}{NUMBER}\s?{units.UNIT}", _measure),
    (r"第\s?\d+(?![\d.])", _ordinal),
    (r"#\s?\d{1,4}(?![\d.])", lambda match: zh_count(digits_in(match.group())[0]) + "号"),
    (rf"{START}[vV]?\d+(?:\.\d+){{2,}}(?!\d)", lambda match: ("版本" if match.group()[0] in "vV" else "") + "点".join(map(zh_count, digits_in(match.group())))),
    (r"(?:版本\s?)?(?<![A-Za-z])[vV](?=\d+\.\d)", say("版本")),
    (MASKED, lambda match: "，".join(map(zh_digits, digits_in(match.group())))),
    (RANGE, say("到")),
    (rf"(?:(?<![\w)])|(?<=[{HAN}]))-\s?(?={CURRENCY}?\d)", say("负")),
    (r"(?<=\d)\s?-\s?(?=\d+\s?=)", say("减")),
    (CODE, lambda match: code(match.group(), zh_count, _spelled)),
    (r"(?<!\d)[5-90]\d(?=后)", lambda match: zh_digits(match.group(), one="一")),
    (r"(?<!\d)\d{3,4}(?=\s?(?:室|房|号房|号楼|次列车|次航班))", lambda match: zh_digits(match.group())),
    (rf"{START}\d{{1,4}}/\d{{1,4}}(?![\d/])", slash),
    (rf"{START}\d+:\d+(?![\d:])", lambda match: "比".join(map(zh_count, digits_in(match.group())))),
    (r"(?<!\d)(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![,.]?\d)|\d+\.\d+)", lambda match: zh_number(match.group())),
    (r"\d+", _integer),
    (r"(?<=\d)\s?[*×x]\s?(?=\d)", say("乘")),
    (r"\*{1,}|#{2,}|={3,}|\+{3,}|[$¥€£%&@°]{3,}", say("，")),
    (r"<=|≤", say("小于等于")),
    (r">=|≥", say("大于等于")),
    (r"<(?=\s?\d)", say("小于")),
    (r"(?<![-=])>(?=\s?\d)", say("大于")),
    (r"->|=>|→", say("到")),
    *((re.escape(sign), say(words)) for sign, words in {
        "&": "和", "@": "at", "%": "百分号", "+": "加", "=": "等于", "#": "井号", "°": "度", "×": "乘", "÷": "除以", "±": "正负", "≈": "约等于",
        "$": "美元", "¥": "元", "€": "欧元", "£": "英镑", "‰": "千分号", "²": "平方", "³": "立方",
    }.items()),
)  # fmt: skip
read = Rules(RULES)
