"""The table of readings itself, and how it is read and compared: no front end runs here."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.gpu_consumers.text.readings import (
    HEADER,
    LOCALES,
    MOST_READINGS,
    Case,
    expand,
    load,
    matches,
    words,
)

CASES = load()
OF_THE_ISSUE = ("codes", "dates", "ranges", "money", "units", "points", "english_words", "mandarin")


def case(spoken: str) -> Case:
    return Case("codes", "en-US", "…", expand(spoken))


def test_there_are_at_least_600_cases_and_40_of_each_kind() -> None:
    kinds = Counter(case.kind for case in CASES)
    assert kinds.total() >= 600
    assert {kind for kind, cases in kinds.items() if cases >= 40} == {
        *OF_THE_ISSUE,
        "mixed",
        "plain",
    }


def test_no_text_stands_twice_in_a_locale() -> None:
    texts = Counter((case.locale, case.text) for case in CASES)
    assert [text for text, times in texts.items() if times > 1] == []


def test_each_locale_has_cases_and_mandarin_about_half() -> None:
    locales = Counter(case.locale for case in CASES)
    assert set(locales) == set(LOCALES)
    mandarin = sum(cases for locale, cases in locales.items() if locale.startswith("zh"))
    assert 0.4 <= mandarin / locales.total() <= 0.6


def test_readings_are_only_words_in_lower_case() -> None:
    """No digit, no sign, no capital: these would be left to whoever speaks."""
    worded = re.compile(r"(?:[^\W\d_A-Z]+[ ']?)+")
    readings = (reading for case in CASES for reading in case.alternatives)
    assert [reading for reading in readings if not worded.fullmatch(reading)] == []


def test_no_case_says_one_reading_twice() -> None:
    """An alternative that the comparison does not tell apart is one that nobody needs."""
    for case in CASES:
        compared = Counter(words(reading) for reading in case.alternatives)
        assert max(compared.values()) == 1, case


@pytest.mark.parametrize(
    ("spoken", "readings"),
    [
        ("one", ("one",)),
        ("a | b c", ("a", "b c")),
        ("pay {ten|five} now", ("pay ten now", "pay five now")),
        ("the {|big} dog", ("the dog", "the big dog")),
        ("八点零五{分|}到", ("八点零五分到", "八点零五到")),
        ("{a|b} {c|d}", ("a c", "a d", "b c", "b d")),
        ("{a|b} | c d", ("a", "b", "c d")),
        ("a {杠|} 一 {二} b  c", ("a 杠一二 b c", "a 一二 b c")),
    ],
)
def test_alternatives_are_expanded_in_their_order(spoken: str, readings: tuple[str, ...]) -> None:
    assert expand(spoken) == readings


@pytest.mark.parametrize(
    "spoken", ["{a|b", "a|b}", "{a|{b|c}}", "a|b", "a | | b", "a |  | b", " | a", "{a|}"]
)
def test_what_is_neither_a_whole_nor_a_span_is_refused(spoken: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        expand(spoken)


def test_the_number_of_readings_is_bounded() -> None:
    assert len(expand("{a|b}" * 9)) == MOST_READINGS
    with pytest.raises(ValueError, match=f"at most {MOST_READINGS} readings"):
        expand("{a|b}" * 10)
    with pytest.raises(ValueError, match=f"at most {MOST_READINGS} readings"):
        expand(" | ".join(["{a|b}" * 9, "c"]))
    with pytest.raises(ValueError, match=f"at most {MOST_READINGS} readings"):
        expand("{a|b}" * 10_000)


@pytest.mark.parametrize(
    ("spoken", "heard"),
    [
        ("your p i n is four", "Your P.I.N. is: four."),
        ("it's two", "Its \u200b two!"),
        ("您的验证码是四八", "您的 验证码，是四八。"),
        ("a 座二楼", "A座二楼"),
        ("the well known guide", "the well-known guide"),
        ("zero five", "oh five"),
        ("one hundred five", "one hundred and five"),
        ("two kilometers per hour", "two kilometres per hour"),
        ("ten percent", "ten per cent"),
        ("二百零五", "两百〇五"),
        ("两千块", "二千块"),
        ("两点", "兩點"),
        ("{a|b} c", "b c"),
    ],
)
def test_what_a_listener_does_not_mind_is_the_same(spoken: str, heard: str) -> None:
    assert matches(case(spoken), heard)


@pytest.mark.parametrize(
    ("spoken", "heard"),
    [
        ("four eight", "four nine"),
        ("four eight", "four eight two"),
        ("minus five", "five"),
        ("five", "5"),
        ("five percent", "five%"),
        ("five dollars", "$ five dollars"),
        ("一千", "一千/"),
        ("两个", "二个"),
        ("二月", "两月"),
        ("o t p", "otp"),
        ("pin", "p i n"),
        ("between one hundred and two hundred", "between one hundred two hundred"),
        ("salt and five eggs", "salt five eggs"),
        ("一千零五", "一千五"),
    ],
)
def test_what_changes_a_word_is_not_the_same(spoken: str, heard: str) -> None:
    assert not matches(case(spoken), heard)


def test_comparison_is_of_words_and_single_ideographs() -> None:
    assert words("Gate B12，您好!") == "gate b12 您 好"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("locale,text,spoken\n", "money.tsv:1: expected the header"),
        (f"{HEADER}\nen-US\tone\n", "money.tsv:2: expected locale, text and spoken"),
        (f"{HEADER}\nen-US\tone\tone\tmore\n", "money.tsv:2: expected locale, text and spoken"),
        (f"{HEADER}\nen-US\tone\tone\n\n", "money.tsv:3: expected locale, text and spoken"),
        (f"{HEADER}\nen-US\tone\t \n", "money.tsv:2: expected locale, text and spoken"),
        (f"{HEADER}\nfr-FR\tone\tone\n", "money.tsv:2: expected a locale of zh-CN"),
        (f"{HEADER}\nen-US\tone\t{{one\n", "money.tsv:2: expected .a|b."),
    ],
)
def test_a_fault_of_a_file_is_named_with_its_line(tmp_path: Path, content: str, fault: str) -> None:
    (tmp_path / "money.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=fault):
        load(tmp_path)


def test_a_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found none"):
        load(tmp_path)


def test_a_file_is_a_kind(tmp_path: Path) -> None:
    (tmp_path / "money.tsv").write_text(f"{HEADER}\nen-US\t$1\tone dollar\n", encoding="utf-8")
    assert load(tmp_path) == (Case("money", "en-US", "$1", ("one dollar",)),)
