"""Properties of a reading, for any text: nothing is lost, no digit changes, time is bounded."""

import re
import time
import unicodedata

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from seedcast.gpu_consumers.text import Reader, Token
from seedcast.gpu_consumers.text.characters import fold
from tests.unit.gpu_consumers.text.readings import load

READER = Reader()
WRITTEN = [case.text for case in load()]
FRAGMENTS = sorted({part for text in WRITTEN for part in re.findall(r"\w+|\W", text)})
SHORT = (
    "J.", "U.S.", "a.m.", "St.", "Dr.", "Mr", "No.", "etc.", "IV", "VIII", "Henry", "Main", "TX",
    "Part", "Apr.", "Sat", "12TH", "'90s", "1/2", "6'2\"", "3-4", "2:1", "10:30", "5pm", "x", "-5",
    "$5", "HK$", "5k", "24/7", "+1", "(212)", "555-0147", "ext.", "A1", "v2.0", "a.b.com", "**12",
)  # fmt: skip
SIGNS = "¥$€£%&@#+-=×÷°²³.,:;/'\"~–—·()（）。，、<>_*|^℃㎡½Ω₩"
TEXT = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(FRAGMENTS), max_size=16).map("".join),
    st.lists(st.sampled_from(FRAGMENTS), max_size=16).map(" ".join),
    st.lists(st.sampled_from(SHORT), max_size=8).map(" ".join),
    st.lists(st.sampled_from(WRITTEN), min_size=1, max_size=2).map(" ".join),
    st.text(alphabet="0123456789" + SIGNS + " 年月日元kmA验证码", max_size=40),
)
# What a listener must hear of, wherever it stands, unless it is a row of the same.
SOUNDING = re.compile(r"[A-Za-z0-9\u4e00-\u9fff]|(?<![%‰&@$¥€£°])[%‰&@$¥€£°](?![%‰&@$¥€£°])")
LEFT_OVER = re.compile(r"[0-9¢₩₹฿₫₱₽₺₪Ω%‰&@$¥€£°+=×÷#²³/\\_*|^]")
DIGITS = {name: digit for digit, name in enumerate(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
)} | {name: digit for digit, name in enumerate("零一二三四五六七八九")} | {"幺": 1}  # fmt: skip
SAID = re.compile("|".join(DIGITS))


@settings(max_examples=150, deadline=None)
@given(TEXT)
@example("5 < 6 & “a” – b")
def test_the_sources_of_the_tokens_are_the_text(text: str) -> None:
    sources = "".join(token.source for token in READER.read(text).tokens)
    assert sources == (unicodedata.normalize("NFC", text) if fold(text).text else "")


@settings(max_examples=250, deadline=None)
@given(TEXT)
@example("Room 12A, 3元/月, 50% & $5")
@example("61–59=2")
def test_what_has_a_sound_is_said(text: str) -> None:
    for token in READER.read(text).tokens:
        folded = fold(token.source).text
        assert not SOUNDING.search(folded) or re.search(r"[^\W\d_]", token.words), token
        if token.kind == "words":
            assert letters(folded) == letters(token.words)


def letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


@settings(max_examples=250, deadline=None)
@given(TEXT)
def test_no_digit_and_no_sign_is_left(text: str) -> None:
    assert not LEFT_OVER.search(READER.read(text).spoken)


@settings(max_examples=150, deadline=None)
@given(TEXT)
@example("code 0047 2210-9, call 1-800-222-1222")
@example("验证码0047，卡号6222 0212 3456 7890")
def test_the_digits_of_a_code_are_the_digits_that_are_said(text: str) -> None:
    assume(len(fold(text).text) == len(fold(text).source))  # ½ is of two tokens
    for token in READER.read(text).tokens:
        if token.kind in ("code", "telephone"):
            assert digits_said(token) == re.sub("[^0-9]", "", fold(token.source).text), token


def digits_said(token: Token) -> str:
    return "".join(str(DIGITS[name]) for name in SAID.findall(token.words))


@pytest.mark.parametrize("token", ["482913 ", "Mr. ", "验证码1"])
def test_a_token_repeated_ten_thousand_times_takes_bounded_time(token: str) -> None:
    assert seconds(token * 10_000) < 30


@pytest.mark.parametrize("token", ["9", "a", "A", "好", "$", "."])
def test_a_very_long_word_takes_bounded_time(token: str) -> None:
    assert seconds(token * 100_000) < 30


@pytest.mark.parametrize("token", ["A1", "1-", "1,", "1/", "a."])
def test_a_very_long_chain_takes_bounded_time(token: str) -> None:
    assert seconds(token * 2_500) < 30


def seconds(text: str) -> float:
    """Return the processor's time; one that grows with the square of the length is minutes."""
    start = time.process_time()
    READER.read(text)
    return time.process_time() - start
