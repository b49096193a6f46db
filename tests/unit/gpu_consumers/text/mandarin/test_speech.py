"""Each value in Mandarin words."""

import pytest

from seedcast.gpu_consumers.text import values as v
from seedcast.gpu_consumers.text.mandarin import say
from seedcast.gpu_consumers.text.mandarin.counts import count

NUMBERS = {
    v.Number("0"): "零",
    v.Number("2"): "二",
    v.Number("0010"): "十",
    v.Number("12", "50"): "十二点五零",
    v.Number("5", negative=True): "负五",
    v.Number("2", scale="万"): "两万",
    v.Number("1", "5", scale="万"): "一点五万",
    v.Number("30000", scale="万"): "三亿",
    v.Number("3", "5", scale="million"): "三百五十万",
    v.Number("1", "1415", scale="thousand"): "一千一百四十一点五",
    v.Number("76", "3", scale="trillion"): "七十六点三万亿",
    v.Number("1234567890123"): "幺二三四五六七八九零幺二三",
}
CODES = {
    v.Digits(("482", "913")): "四八二，九幺三",
    v.Digits(("A7K9",)): " A 七 K 九",
    v.Telephone(("400", "820", "8820"), extension="801"): "四零零，八二零，八八二零转八零幺",
    v.Telephone(("86", "138"), plus=True): "加八六，幺三八",
    v.Characters("a-1"): " A  杠 幺",
    v.Version(("2", "0", "1")): "二点零点一",
    v.Version(("3", "11"), named=True): "版本三点十一",
    v.Version(("1", "05")): "一点零五",
    v.Link("https://www.a.cn/b1/"): "W W W 点 a 点 C N 斜杠 b 幺",
}
DATES = {
    v.Date("2026", 8, 15): "二零二六年八月十五日",
    v.Date("05"): "零五年",
    v.Date("", 2, 2): "二月二日",
    v.Decade("90"): "九十年代",
    v.Decade("00"): "零零年代",
    v.Decade("1990"): "一九九零年代",
    v.Time(8, 5): "八点零五分",
    v.Time(2, 30, half="pm"): "下午两点三十分",
    v.Time(0, 0): "零点",
    v.Time(12, 0, 3): "十二点零分零三秒",
}
QUANTITIES = {
    v.Money(v.Number("12", "5"), "CNY"): "十二元五角",
    v.Money(v.Number("12", "05"), "CNY"): "十二元零五分",
    v.Money(v.Number("0", "50"), "CNY"): "五角",
    v.Money(v.Number("2", "00"), "CNY"): "两元",
    v.Money(v.Number("0"), "CNY"): "零元",
    v.Money(v.Number("12", "3", negative=True), "CNY"): "负十二元三角",
    v.Money(v.Number("1", "005"), "CNY"): "一点零零五元",
    v.Money(v.Number("3", "2", scale="亿"), "CNY"): "三点二亿元",
    v.Money(v.Number("488", "50"), "HKD"): "四百八十八点五港元",
    v.Money(v.Number("5"), ""): "五元",
    v.Money(v.Number("5"), "XAU"): "五 X A U ",
    v.Measure(v.Number("5"), "kg"): "五千克",
    v.Measure(v.Number("2"), "h"): "两小时",
    v.Measure(v.Number("80"), "km/h"): "每小时八十公里",
    v.Measure(v.Number("5", "6"), "mmol/L"): "五点六毫摩尔每升",
    v.Measure(v.Number("0", "5", negative=True), "%"): "负百分之零点五",
    v.Measure(v.Number("2", negative=True), "°C"): "负二摄氏度",
    v.Measure(v.Number("2"), "次"): "两次",
    v.Measure(v.Number("2"), "楼"): "二楼",
    v.Measure(v.Number("12"), "次"): "十二次",
    v.Range(v.Number("2"), v.Measure(v.Number("3"), "次")): "两到三次",
    v.Range(v.Number("2"), v.Measure(v.Number("3"), "月")): "二到三月",
    v.Range(v.Number("2"), v.Money(v.Number("3"), "CNY")): "两到三元",
    v.Range(v.Time(9, 0), v.Time(17, 30)): "九点到十七点三十分",
    v.Fraction("1", "16"): "十六分之一",
    v.Fraction("1", "2", "2"): "二又二分之一",
    v.Ratio("16", "9"): "十六比九",
    v.Score("3", "2"): "三比二",
    v.Over("120", "80"): "一百二十比八十",
    v.Ordinal("2"): "第二",
    v.Sequence((v.Sign("-"), v.Words("好"))): "减 好",
}


@pytest.mark.parametrize(
    ("value", "words"), (NUMBERS | CODES | DATES | QUANTITIES).items(), ids=repr
)
def test_a_value_is_said_in_mandarin(value: v.Value, words: str) -> None:
    assert say(value, "zh-CN") == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("10", "十"),
        ("110", "一百一十"),
        ("200", "二百"),
        ("2000", "两千"),
        ("1001", "一千零一"),
        ("10010", "一万零一十"),
        ("100000", "十万"),
        ("20002", "两万零二"),
        ("120000", "十二万"),
        ("100001000", "一亿零一千"),
        ("200000000", "两亿"),
        ("222222222222", "两千二百二十二亿二千二百二十二万二千二百二十二"),
    ],
)
def test_a_count_has_its_zeros_and_its_liang(number: str, words: str) -> None:
    assert count(number) == words
