"""What a stretch of a Mandarin text is, where the table of readings has no such case."""

import re
import time

import pytest

from seedcast.gpu_consumers.text.mandarin.classes import ROWS
from seedcast.gpu_consumers.text.reader import Reader
from seedcast.schemas.locales import Locale

READER = Reader()
CODES = (
    ("请凭提货码8392或2211领取", "请凭提货码八三九二或二二幺幺领取"),
    ("开箱码A7K9M2", "开箱码A七K九M二"),
    ("放在A3-2-15号货架", "放在A三杠二杠幺五号货架"),
    ("请后4位是1234", "请后四位是幺二三四"),
    ("卡号6222****8888", "卡号六二二二八八八八"),
    ("身份证尾号002X", "身份证尾号零零二X"),
    ("就诊序号12", "就诊序号十二"),
    ("回复10充值10元", "回复十充值十元"),
    ("火警119，急救120", "火警幺幺九急救幺二零"),
    ("110反诈中心", "幺幺零反诈中心"),
    ("客服热线 400 123 4567 转 3", "客服热线四零零幺二三四五六七转三"),
    ("会议室301", "会议室三零幺"),
    ("2单元1102户", "二单元幺幺零二户"),
    ("座位32A", "座位三十二A"),
    ("高铁0123次", "高铁零幺二三次"),
    ("車牌京N·8K721", "车牌京N八K七二幺"),
)
NAMES = (
    ("致电1-800-GO-U-HAUL咨询", "致电幺八零零GOUHAUL咨询"),
    ("订单#10482", "订单编号幺零四八二"),
    ("编号是No.00123", "编号是零零幺二三"),
    ("2A检票口的2K屏", "二A检票口的二K屏"),
    ("身高6'2\"", "身高六英尺两英寸"),
    ("单位mmol/L和℃", "单位毫摩尔每升和摄氏度"),
    ("总值$76.3 trillion", "总值七十六点三万亿美元"),
    ("海拔-154米", "海拔负一百五十四米"),
    ("营业7 a.m.–8 p.m.", "营业上午七点到下午八点"),
    ("8.15前完成", "八月十五日前完成"),
    ("2026-08-15T14:30:00更新", "二零二六年八月十五日十四点三十分更新"),
    ("3/3-3/5停水", "三月三日到三月五日停水"),
    ("房屋在15/32层", "房屋在十五共三十二层"),
    ("90、00后", "九零零零后"),
)
COUNTS = (
    ("订单金额500元", "订单金额五百元"),
    ("电话费100元", "电话费一百元"),
    ("账户余额5000元", "账户余额五千元"),
    ("密码错误3次", "密码错误三次"),
    ("密码为6-16位", "密码为六到十六位"),
    ("航班延误120分钟", "航班延误一百二十分钟"),
    ("订单2026年生效", "订单二零二六年生效"),
    ("身份证2张", "身份证两张"),
    ("总数12345", "总数一万二千三百四十五"),
    ("共1350TEU", "共一千三百五十TEU"),
    ("本次消费110元", "本次消费一百一十元"),
)
DATES = (
    ("2026/5/18-2026/6/18", "二零二六年五月十八日到二零二六年六月十八日"),
    ("2026.8.1-8.31有效", "二零二六年八月一日到八月三十一日有效"),
    ("5月1-5日", "五月一到五日"),
    ("5.1-5.5放假", "五月一日到五月五日放假"),
    ("6.18大促", "六一八大促"),
    ("3/8妇女节", "三月八日妇女节"),
    ("25年春节", "二五年春节"),
    ("10年老店", "十年老店"),
    ("80年历史", "八十年历史"),
    ("25日前缴纳", "二十五日前缴纳"),
    ("二战1939-1945年", "二战一九三九到一九四五年"),
    ("2/3以上的人", "三分之二以上的人"),
    ("倒计时100天", "倒计时一百天"),
    ("大比分2-1领先", "大比分二比一领先"),
    ("比例1:1000", "比例一比一千"),
)
QUANTITIES = (
    ("黄金558.2元/克", "黄金五百五十八点二元每克"),
    ("单价2.5万/㎡", "单价二点五万每平方米"),
    ("月薪8k-12k", "月薪八千到一万二千"),
    ("余额¥-50", "余额负五十元"),
    ("流量2m³/h", "流量两立方米每小时"),
    ("本次献血400cc", "本次献血四百毫升"),
    ("今日20%off", "今日百分之二十off"),
    ("满300-50", "满三百减五十"),
    ("30x40cm的纸", "三十乘四十厘米的纸"),
    ("2至3天，2、3天", "两至三天两三天"),
    ("第1、2名", "第一二名"),
    ("3室2厅，2室1厅", "三室两厅两室一厅"),
    ("打75折", "打七五折"),
    ("Ⅱ级响应", "二级响应"),
    ("5A景区的Q1-Q3", "五A景区的Q一到Q三"),
    ("宽带1000M", "宽带一千兆"),
)


def spoken(text: str, locale: Locale = "zh-CN") -> str:
    return re.sub(r"[\s，。、,.:;()]", "", READER.read(text, locale=locale).spoken)


@pytest.mark.parametrize(("text", "words"), [*CODES, *NAMES, *COUNTS, *DATES, *QUANTITIES])
def test_a_stretch_is_read_as_what_it_is(text: str, words: str) -> None:
    assert spoken(text) == words


@pytest.mark.parametrize(
    ("locale", "text", "words"),
    [
        ("zh-CN", "于12/05/2026到期", "于二零二六年十二月五日到期"),
        ("zh-HK", "於12/05/2026到期", "于二零二六年五月十二日到期"),
        ("zh-HK", "覆診時間：12/9", "覆诊时间九月十二日"),
        ("zh-CN", "复诊时间：12/9", "复诊时间十二月九日"),
        ("zh-CN", "共$60", "共六十美元"),
        ("zh-TW", "共$60", "共六十元"),
        ("zh-HK", "共$60.5元", "共六十点五元"),
        ("zh-TW", "繳款期限115/08/25", "缴款期限一一五年八月二十五日"),
        ("zh-HK", "樓層18/F", "楼层十八楼"),
    ],
)
def test_the_locale_decides_what_cannot_be_told(locale: Locale, text: str, words: str) -> None:
    assert spoken(text, locale) == words


@pytest.mark.parametrize(
    "piece",
    ["1", "1-", "1/", "1 ", "12:", "2元", "2024年", "$", "A1", "第1", "-", "*", "1.", "1,000",
     "138****", "号是为", "今天12", "v1.", "http://a.", "a@", "110/", "验证码", "2到", "12/"],
)  # fmt: skip
def test_a_text_of_one_piece_takes_time_in_proportion(piece: str) -> None:
    assert (
        cpu_seconds(piece * (16_000 // len(piece)))
        < 12 * cpu_seconds(piece * (2_000 // len(piece))) + 0.2
    )


def cpu_seconds(text: str) -> float:
    started = time.process_time()
    READER.read(text)
    return time.process_time() - started


def test_each_kind_has_one_name() -> None:
    assert all(re.fullmatch("[a-z]+", row.kind) for row in ROWS)
