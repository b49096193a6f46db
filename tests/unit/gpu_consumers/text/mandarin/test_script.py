"""Traditional ideographs become simplified ones, by phrase; Cantonese ones stay."""

import pytest

from seedcast.gpu_consumers.text.alphabet import is_han
from seedcast.gpu_consumers.text.mandarin.script import simplify


@pytest.mark.parametrize(
    ("written", "simplified"),
    [
        ("您的訂單已經發貨", "您的订单已经发货"),
        ("請於3天內取件", "请于3天内取件"),
        ("頭髮護理課程已發出通知", "头发护理课程已发出通知"),
        ("後天到學校後門見皇后", "后天到学校后门见皇后"),
        ("乾燥的餅乾", "干燥的饼干"),
        ("乾隆年間，扭轉乾坤", "乾隆年间，扭转乾坤"),
        ("瞭解瞭望台", "了解瞭望台"),
        ("藉口與慰藉", "借口与慰藉"),
        ("徵收特徵", "征收特征"),
        ("市民專線提供諮詢服務", "市民专线提供咨询服务"),
        ("公里裡面鐘錶", "公里里面钟表"),
        ("為什麼甚麼", "为什么甚么"),
        ("妳和牠", "你和它"),
        ("訂A1、貨2件", "订A1、货2件"),
    ],
)
def test_traditional_ideographs_are_simplified_by_phrase(written: str, simplified: str) -> None:
    assert simplify(written) == simplified


@pytest.mark.parametrize(
    ("written", "simplified"),
    [
        ("跟著走，睡著了，著急", "跟着走，睡着了，着急"),
        ("著名作家的著作很顯著", "著名作家的著作很显著"),
        ("原著編著者", "原著编著者"),
        ("執著", "执着"),
    ],
)
def test_zhe_is_told_from_zhu(written: str, simplified: str) -> None:
    assert simplify(written) == simplified


def test_cantonese_characters_keep_their_meaning() -> None:
    assert simplify("你嘅嘢喺嗰度，佢哋冇嚟，唔該睇咗先畀啲喎") == (
        "你嘅嘢喺嗰度，佢哋冇嚟，唔该睇咗先畀啲喎"
    )


@pytest.mark.parametrize(
    "text", ["干后里面系发台几只云余制复历", "著名、显著、土著", "银行行长还钱", "乾隆、慰藉、瞭望"]
)
def test_simplified_text_stays_as_it_is(text: str) -> None:
    assert simplify(text) == text


def test_every_ideograph_stays_one_in_the_alphabet() -> None:
    every = "".join(map(chr, range(0x4E00, 0xA000)))
    assert len(simplify(every)) == len(every)
    assert all(is_han(simplify(character)) for character in every)
