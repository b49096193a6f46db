"""Markup: what it means, that values cannot change it, and that all else is refused."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seedcast.catalog.markup import (
    Break,
    InvalidMarkup,
    Phonemes,
    Piece,
    SayAs,
    Substitution,
    Text,
    escape,
    say_as,
    sources,
    write,
)
from seedcast.catalog.markup_parser import MAX_ELEMENTS, parse
from seedcast.catalog.text import find_problem
from seedcast.schemas.messages import MAX_TEXT

# What a text may contain: no control characters, no lone surrogates.
characters = st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\r\t")
texts = st.text(characters, max_size=60)
PINYIN = '<phoneme alphabet="pinyin" ph="huan2 qian2">还钱</phoneme>'


def no_characters(text: str) -> str:
    return text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


@given(texts)
@example("<break/>&amp;]]>\r\n\t\"'")
@example("\ufffe\uffff")
def test_an_escaped_value_is_said_and_changes_no_structure(value: str) -> None:
    assert parse(escape(value)) == ((Text(no_characters(value)),) if value else ())
    around = parse(f'a<break/>{escape(value)}<sub alias="x{escape(value)}">{escape(value)}</sub>')
    assert around[1] == Break(0.5)
    assert around[-1] == Substitution(no_characters(value), f"x{no_characters(value)}")
    assert len(around) == (4 if value else 3)


MEANT: list[tuple[str, tuple[Piece, ...]]] = [
    ("", ()),
    ("您好", (Text("您好"),)),
    ("5 &lt; 6 &#x4e2d;", (Text("5 < 6 中"),)),
    ("<speak> a </speak>\n", (Text(" a "),)),
    (
        '码<say-as interpret-as="digits">48-29</say-as>。',
        (Text("码"), SayAs("digits", "48-29", ("48", "29")), Text("。")),
    ),
    (
        '<say-as interpret-as="money" format="CNY">12.5</say-as>',
        (SayAs("money", "12.5", ("CNY", "", "12", "5"), "CNY"),),
    ),
    ('a<break/><break time="1.5s"/>', (Text("a"), Break(0.5), Break(1.5))),
    ('<break time="250ms"></break>', (Break(0.25),)),
    ('<sub alias="W three C">W3C</sub>', (Substitution("W3C", "W three C"),)),
    (PINYIN, (Phonemes("还钱", "pinyin", "huan2 qian2"),)),
    ('<phoneme alphabet="ipa" ph="ˈsiːdkɑːst">S</phoneme>', (Phonemes("S", "ipa", "ˈsiːdkɑːst"),)),
    (
        '<phoneme alphabet="pinyin" ph="huar1">花儿</phoneme>',
        (Phonemes("花儿", "pinyin", "huar1"),),
    ),
]


@pytest.mark.parametrize(("markup", "pieces"), MEANT)
def test_markup_means_its_pieces_and_pieces_write_their_markup(
    markup: str, pieces: tuple[Piece, ...]
) -> None:
    assert parse(markup) == pieces
    assert parse(write(pieces)) == pieces


WELL_FORMED = "expected well-formed markup"
REFUSED = [
    ("5 < 6", f"{WELL_FORMED}.*at character 4"),
    ("Müller & Söhne", f"{WELL_FORMED}.*at character 9"),
    ("您好<b>王</b>", "expected one of say-as, break, sub, phoneme, got <b> at character 3"),
    ("<speak><voice/></speak>", "got <voice> at character 8"),
    ("<speak><speak>a</speak></speak>", "got <speak> at character 8"),
    ('<speak xmlns="u">a</speak>', "got <speak> at character 1"),
    ("<s:break/>", "got <s:break> at character 1"),
    ("a</speak><speak>b", "junk after document element"),
    ("a</speak>", WELL_FORMED),
    ("<!-- c -->a", "expected text and elements only, got a comment at character 1"),
    ("a<?x y?>", "got a processing instruction at character 2"),
    ("<![CDATA[a]]>", "got a CDATA section"),
    ("<!DOCTYPE speak>a", WELL_FORMED),
    ('<?xml version="1.0"?><speak>a</speak>', WELL_FORMED),
    ("&nbsp;", "undefined entity"),
    ("&#1;", WELL_FORMED),
    ("<say-as>1</say-as>", "in say-as interpret-as, format, got no interpret-as"),
    ('<say-as interpret-as="x">1</say-as>', "as interpret-as one of digits, .*got another"),
    ('<say-as interpret-as="digits" x="1">1</say-as>', "in say-as interpret-as, format, got x"),
    ('<say-as interpret-as="money" format="X">1</say-as>', "in say-as money with one of AED"),
    ('<say-as interpret-as="money">12</say-as>', "in say-as a currency.*got 99"),
    ('<say-as interpret-as="digits"><break/></say-as>', "only text inside say-as, got <break>"),
    ("<break>x</break>", "no text in break, got some"),
    ('<break strength="weak"/>', "in break time, got strength"),
    *((f'<break time="{time}"/>', "as time") for time in ("1", "-1s", "1m", "10.5s", "99999ms")),
    ('<break time="10s"/>' * 7, "60 s in all"),
    ('<sub alias="…">x</sub>', "as alias a letter or a digit, got none"),
    ("<sub>x</sub>", "got no alias"),
    ('<phoneme alphabet="x-sampa" ph="a">a</phoneme>', "as alphabet one of ipa, pinyin"),
    ('<phoneme alphabet="ipa" ph="a]] b">a</phoneme>', "signs of IPA"),
    ('<phoneme alphabet="ipa" ph="…">a</phoneme>', "characters of IPA"),
    ('<phoneme alphabet="pinyin" ph="huan2">还钱</phoneme>', "one syllable for each ideograph"),
    ('<phoneme alphabet="pinyin" ph="huan qian">还钱</phoneme>', "tone numbers"),
    ('<phoneme alphabet="pinyin" ph="xq1">还</phoneme>', "tone numbers"),
    ('<phoneme alphabet="ipa" ph="a"></phoneme>', "a word"),
    ("<break time='1ms'/>" * (MAX_ELEMENTS + 1), "at most 1,000 elements, got more"),
    ("<" + "x" * 99 + "/>", "got <x{40}…>"),
]


@pytest.mark.parametrize(("markup", "message"), REFUSED)
def test_wrong_markup_is_refused_with_its_place(markup: str, message: str) -> None:
    with pytest.raises(InvalidMarkup, match=message) as caught:
        parse(markup)
    assert " at character " in str(caught.value)


@given(st.text(st.sampled_from("<>/&;#!?[]'\"= abreksuyo张1"), max_size=60))
def test_any_text_is_markup_or_refused(text: str) -> None:
    with suppress(InvalidMarkup):
        assert parse(write(parse(text))) == parse(text)


@pytest.mark.parametrize("secret", ["<break/>Zanzibar<", '<sub alias="Zanzibar"><', "&Zanzibar;"])
def test_an_error_quotes_nothing_of_the_text(secret: str) -> None:
    with pytest.raises(InvalidMarkup) as caught:
        parse(secret)
    assert "Zanzibar" not in str(caught.value)


@pytest.mark.parametrize(
    ("markup", "code", "got"),
    [
        ("x" * (MAX_TEXT + 1), "invalid_request", "10,001"),
        ("a\0", "invalid_request", "U+0000 at character 2"),
        ("a&#x85;", "invalid_request", "U+0085 at character 2"),
        ("a\ud800", "invalid_request", "U+D800 at character 2"),
        ("<b/>", "invalid_request", "<b> at character 1"),
        ("", "nothing_to_speak", "an empty text"),
        ("<break/>", "nothing_to_speak", "an empty text"),
        ("…<break/>", "nothing_to_speak", "nothing to speak"),
    ],
)
def test_markup_is_judged_by_what_is_spoken(markup: str, code: str, got: str) -> None:
    problem = find_problem(markup, True)
    assert problem
    assert (problem.code, problem.got) == (code, got)


def test_every_part_that_is_spoken_counts() -> None:
    for markup in (say_as("digits", "1"), '<sub alias="a">…</sub>', PINYIN, "1<break/>"):
        assert find_problem(markup, True) is None
    assert sources(parse(f"a{PINYIN}<break/>")) == ["a", "还钱"]


def test_the_locale_of_the_request_decides_what_markup_leaves_open() -> None:
    markup = say_as("date", "12/05/2026")
    assert find_problem(markup, True)
    assert find_problem(markup, True, "en-GB") is None
    [date] = parse(markup, "en-GB")
    assert isinstance(date, SayAs)
    assert date.parts == ("2026", "05", "12")
