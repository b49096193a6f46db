"""Which sound an ideograph has where espeak-ng would take another."""

import pytest

from seedcast.gpu_consumers.text.mandarin.classes import polyphones
from seedcast.gpu_consumers.text.reader import Reader

READER = Reader()


def sounds(text: str) -> dict[str, str]:
    tokens = READER.read(text).tokens
    return {token.words.strip(): token.phonemes for token in tokens if token.phonemes}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请尽快还钱，逾期未还将影响征信", {"还": "huan2"}),
        ("您还有3张券还没用", {}),
        ("您应还500元", {"还": "huan2"}),
        ("建行和农行", {"行": "hang2"}),
        ("其他行业的社交行为", {}),
        ("请重启路由器", {"重": "chong2"}),
        ("严重发炎", {}),
        ("验证码为482913", {"为": "wei2"}),
        ("将为您服务", {}),
        ("已为3位客户办理", {}),
        ("时间改为8点", {"为": "wei2"}),
        ("请系好安全带", {"系": "ji4"}),
        ("请联系客服", {}),
        ("尊敬的单女士", {"单": "shan4"}),
        ("名单女士优先", {}),
        ("解先生您好", {"解": "xie4"}),
        ("馆长出席", {"长": "zhang3"}),
        ("场馆长期开放", {}),
        ("東莞的便宜", {"东莞": "dong1 guan3", "便宜": "pian2 yi5"}),
        ("在这儿等一会儿", {"儿": "er2"}),
        ("幼儿园的儿童", {}),
    ],
)
def test_a_polyphone_has_its_sound(text: str, expected: dict[str, str]) -> None:
    assert sounds(text) == expected


def test_each_word_has_a_syllable_with_a_tone_for_each_ideograph() -> None:
    for word in polyphones.WORDS:
        (token,) = READER.read(word).tokens
        assert [syllable[-1] in "12345" for syllable in token.phonemes.split()] == [True] * len(
            word
        )
