"""Markup and lexicon in a reading: what they say comes first, and the text around stays itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedcast.catalog.cannot_say import CannotSay
from seedcast.catalog.currencies import CURRENCIES as CODES
from seedcast.catalog.lexicon import Lexicon
from seedcast.catalog.lexicon_entry import Entry
from seedcast.catalog.markup import SayAs, escape, say_as
from seedcast.catalog.say_as import KINDS, parts_of
from seedcast.errors import InvalidRequest
from seedcast.gpu_consumers.text import FrontEnd, Reader
from seedcast.gpu_consumers.text import values as v
from seedcast.gpu_consumers.text.currencies import CURRENCIES
from seedcast.gpu_consumers.text.marked import value_of
from seedcast.schemas.locales import Locale

READER = Reader()
characters = st.characters(exclude_categories=("Cs", "Cc", "Co"), exclude_characters="\ufffe\uffff")


@given(st.text(characters))
def test_an_escaped_text_is_read_as_the_plain_text(text: str) -> None:
    assert READER.read(escape(text), "markup") == READER.read(text)


@pytest.mark.parametrize(
    ("kind", "value", "detail", "expected"),
    [
        ("digits", "3-2-1024", "", v.Digits(("3", "2", "1024"))),
        ("digits", "482913", "", v.Digits(("482", "913"))),
        ("telephone", "13800138000", "", v.Telephone(("138", "0013", "8000"))),
        ("telephone", "+12125550123", "", v.Telephone(("121", "2555", "0123"), True)),
        ("telephone", "2125550123", "", v.Telephone(("212", "555", "0123"))),
        ("telephone", "110", "", v.Telephone(("110",))),
        ("number", "-1,234.5", "", v.Number("1234", "5", True)),
        ("money", "12.50", "CNY", v.Money(v.Number("12", "50"), "CNY")),
        ("date", "2026-08-05", "", v.Date("2026", 8, 5)),
        ("date", "8/2026", "", v.Date("2026", 8)),
        ("time", "14:05", "", v.Time(14, 5)),
        ("time", "2pm", "", v.Time(2, half="pm")),
        ("telephone", "+1 212 ext. 7", "", v.Telephone(("1", "212"), True, "7")),
        ("characters", "A-1", "", v.Characters("A-1")),
    ],
)
def test_every_kind_is_a_value_of_the_front_end(
    kind: str, value: str, detail: str, expected: v.Value
) -> None:
    assert value_of(SayAs(kind, value, parts_of(kind, value, detail), detail), "en-GB") == expected


@pytest.mark.parametrize(
    ("markup", "spoken"),
    [
        (f"You owe {say_as('digits', '482913')}.", "You owe four eight two, nine one three."),
        (f"Pay {say_as('money', '12.50', 'USD')}", "Pay twelve dollars and fifty cents"),
        (f"1{say_as('digits', '22')}3", "one two two three"),
        (f"On {say_as('date', '2026-08-15')}", "On August fifteenth twenty twenty six"),
        ('the <sub alias="Web 3">W3C</sub> says', "the Web three says"),
        ('a <phoneme alphabet="ipa" ph="b">c 2</phoneme> d', "a c two d"),
        (f"码{say_as('digits', '48')}。", "码四八。"),
    ],
)
def test_markup_says_what_it_says(markup: str, spoken: str) -> None:
    assert READER.read(markup, "markup").spoken == spoken


@pytest.mark.parametrize(
    ("markup", "plain", "locale"),
    [
        (f"共{say_as('number', '2')}件", "共2件", "zh-CN"),
        (f"利率{say_as('number', '-12.5')}%。", "利率负百分之12.5。", "zh-CN"),
        (f"重{say_as('number', '1,200')} kg", "重1200kg", "zh-CN"),
        (f"{say_as('number', '2.5')}万元", "2.5万元", "zh-CN"),
        (f"{say_as('number', '2')}<break/>件", "二件", "zh-CN"),
        (f"{say_as('number', '2')}{say_as('digits', '3')}", "二三", "zh-CN"),
        (f"at {say_as('number', '12.5')}%", "at 12.5%", "en-US"),
        (f"{say_as('number', '1')} kg, {say_as('number', '2')} kg", "1 kg, 2 kg", "en-US"),
        (f"{say_as('number', '3')} PM", "three PM", "en-US"),
    ],
)
def test_a_number_is_read_with_its_unit(markup: str, plain: str, locale: Locale) -> None:
    assert (
        READER.read(markup, "markup", locale).spoken == READER.read(plain, "plain", locale).spoken
    )


def test_tokens_tell_what_was_marked_and_how() -> None:
    markup = (
        'Hi<break time="1s"/><phoneme alphabet="pinyin" ph="huan2 qian2">还钱</phoneme>'
        f'<sub alias="W three">W3</sub>{say_as("digits", "7")}'
    )
    tokens = READER.read(markup, "markup").tokens
    assert [(t.source, t.kind, t.language, t.phonemes, t.pause) for t in tokens] == [
        ("Hi", "words", "en", "", 0.0),
        ("", "break", "en", "", 1.0),
        ("还钱", "phoneme", "zh", "huan2 qian2", 0.0),
        ("W3", "substitution", "en", "", 0.0),
        ("7", "digits", "en", "", 0.0),
    ]


def test_a_break_parts_what_is_read_together() -> None:
    assert READER.read("It is 1<break/>2", "markup").spoken == "It is one two"
    assert READER.read("It is 12").spoken == "It is twelve"
    before, _, after = READER.read("Pay 5<break/>您好世界", "markup").tokens[1:4]
    assert (before.language, after.language) == ("en", "zh")


def test_a_deployments_lexicon_is_part_of_the_version_and_comes_before_the_classes() -> None:
    lexicon = Lexicon([Entry(word="911", reading="emergency"), Entry(word="W3C", reading="web 3")])
    reader = Reader(lexicon)
    assert reader.version != READER.version
    assert lexicon.version in reader.version
    assert reader.read("Call 911 & W3C").spoken == READER.read("Call emergency & web 3").spoken
    # Markup is said as it says, and so is what is substituted.
    assert reader.read('<sub alias="911">x</sub>', "markup").spoken == READER.read("911").spoken


def test_characters_that_a_mark_loses_are_counted() -> None:
    assert READER.read('<sub alias="a😀">x</sub>', "markup").unspoken == READER.read("a😀").unspoken
    assert READER.read('<phoneme alphabet="ipa" ph="a">Ω</phoneme>', "markup").tokens


def test_wrong_markup_is_an_invalid_request() -> None:
    with pytest.raises(InvalidRequest, match="field text; expected well-formed") as caught:
        READER.read("a & b", "markup")
    assert caught.value.code == "invalid_request"


def test_the_locale_of_the_request_decides() -> None:
    markup = say_as("date", "12/05/2026")
    american, british = (READER.read(markup, "markup", locale) for locale in ("en-US", "en-GB"))
    assert "December" in american.spoken
    assert "May" in british.spoken


def test_dollars_of_the_reader_s_own_country_need_no_country() -> None:
    markup = f"Pay {say_as('money', '5', 'USD')}"
    assert READER.read(markup, "markup", "en-US").spoken == "Pay five dollars"
    assert READER.read(markup, "markup", "en-GB").spoken == "Pay five U S dollars"


def test_breaks_are_pauses_between_segments() -> None:
    front_end = FrontEnd(lambda word: True)
    markup = '<break/>One.<break time="2s"/> <break time="1s"/>Two<break/>'
    segments = front_end.prepare(markup, text_format="markup").segments
    assert [(segment.text, segment.pause) for segment in segments] == [("One.", 3.0), ("Two", 0.0)]


def test_the_currencies_of_templates_are_those_that_have_words() -> None:
    assert set(CODES) == {code for code in CURRENCIES if code.isalpha()}


VALUES = {
    "digits": r"[0-9A-Za-z]{1,20}([ ./#·-][0-9A-Z]{1,5}){0,3}",
    "number": r"[-+]?([0-9]{1,30}|[1-9][0-9]{0,2}(,[0-9]{3}){1,9})(\.[0-9]{1,20})?",
    "date": r"[0-9]{4}-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8]))?|[0-9]{1,2} May ([0-9]{2}){1,2}",
    "time": r"([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|(1[0-2]|[1-9])(:[0-5][0-9])? ?[ap]m",
    "money": r"([A-Z]{3} )?-?[0-9]{1,30}(\.[0-9]{1,5})?",
    "telephone": r"\+?[0-9]{2,11}([ -][0-9A-Z]{1,5}){0,2}( ext\. ?[0-9]{1,8})?",
    "characters": r"[0-9A-Za-z粤·<&\"-]{1,20}",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("locale", ["en-US", "zh-CN", "zh-HK"])
def test_whatever_a_kind_takes_is_said_in_words(kind: str, locale: Locale) -> None:
    @given(st.from_regex(VALUES[kind], fullmatch=True), st.sampled_from(("", *KINDS[kind].details)))
    @settings(max_examples=30, deadline=None)
    def is_said(value: str, detail: str) -> None:
        try:
            parts_of(kind, value, detail, locale)
        except CannotSay:
            return
        spoken = READER.read(say_as(kind, value, detail), "markup", locale).spoken
        assert spoken
        assert not set(spoken) & set("0123456789<>&+=$#·")

    is_said()
