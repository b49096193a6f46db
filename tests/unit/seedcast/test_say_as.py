"""Each kind takes what people and programs write, and refuses what would be read by guessing."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.catalog.cannot_say import CannotSay
from seedcast.catalog.say_as import KINDS, parts_of, shape_of
from seedcast.schemas.locales import Locale

TAKEN: list[tuple[str, str, str, tuple[str, ...]]] = [  # kind, value, detail, parts
    ("digits", "482913", "", ("482913",)),
    ("digits", " 3-2-1024 ", "", ("3", "2", "1024")),
    ("digits", "１２３ ab", "", ("123", "ab")),
    ("digits", "****7890", "", ("7890",)),
    ("number", "-1,234.50", "", ("-", "1234", "50")),
    ("number", "−5", "", ("-", "5", "")),
    ("number", "+007", "", ("", "007", "")),
    ("number", ".5", "", ("", "0", "5")),
    ("money", "12.50", "CNY", ("CNY", "", "12", "50")),
    ("money", "-$1,234", "USD", ("USD", "-", "1234", "")),
    ("money", "¥-12", "JPY", ("JPY", "-", "12", "")),
    ("money", "HK$80", "", ("HKD", "", "80", "")),
    ("money", "80 EUR", "", ("EUR", "", "80", "")),
    ("money", "80元", "CNY", ("CNY", "", "80", "")),
    ("date", "2026-08-15", "", ("2026", "08", "15")),
    ("date", "2026/8/5", "", ("2026", "8", "5")),
    ("date", "20260815", "", ("2026", "08", "15")),
    ("date", "2026-08", "", ("2026", "08", "")),
    ("date", "08/2026", "", ("2026", "08", "")),
    ("date", "2026-08-15T14:30:00.123+08:00", "", ("2026", "08", "15")),
    ("date", "8/15/2026 0:00", "mdy", ("2026", "8", "15")),
    ("date", "15 Oct 12:30", "", ("", "10", "15")),
    ("date", "15 Oct 2026 2:30 pm", "", ("2026", "10", "15")),
    ("date", "2026年8月15日 14:30", "", ("2026", "8", "15")),
    ("date", "15.08.2026", "dmy", ("2026", "08", "15")),
    ("date", "08-15", "md", ("", "08", "15")),
    ("date", "7/15/26", "mdy", ("26", "7", "15")),
    ("date", "15-Aug-26", "", ("26", "8", "15")),
    ("date", "August 15th, 2026", "", ("2026", "8", "15")),
    ("date", "Sept 2026", "", ("2026", "9", "")),
    ("date", "May 5", "", ("", "5", "5")),
    ("date", "2026年8月15日", "", ("2026", "8", "15")),
    ("date", "8月15号", "", ("", "8", "15")),
    ("date", "2024-02-29", "", ("2024", "02", "29")),
    ("time", "14:30", "", ("14", "30", "", "")),
    ("time", "14:30:05", "", ("14", "30", "05", "")),
    ("time", "14:30:00+08:00", "", ("14", "30", "", "")),
    ("time", "2026-08-15 08:05:00", "", ("08", "05", "", "")),
    ("time", "8/15/2026 2:30:00 PM", "", ("2", "30", "", "pm")),
    ("time", "2:30 P.M.", "", ("2", "30", "", "pm")),
    ("time", "2pm", "", ("2", "", "", "pm")),
    ("time", "下午2点30分", "", ("2", "30", "", "pm")),
    ("telephone", "+86 138-0013-8000", "", ("+", "", "86", "138", "0013", "8000")),
    ("telephone", "(010) 8888 6666 ext. 801", "", ("", "801", "010", "8888", "6666")),
    ("telephone", "88886666转801", "", ("", "801", "88886666")),
    ("telephone", "1-800-GO-U-HAUL", "", ("", "", "1", "800", "GO", "U", "HAUL")),
    ("telephone", "110", "", ("", "", "110")),
    ("characters", "粤B·88888", "", ("粤B·88888",)),
]
REFUSED = [
    *(("digits", value, "") for value in ("", "--", "12!", "张三", "9" * 65)),
    *(("number", value, "") for value in ("", "1,23", "1.234,5", "1e5", "12%", "9" * 31, "٣")),
    *(("money", value, "CNY") for value in ("", "$12", "12 USD", "1.2.3", "12元整", "CNY12CNY")),
    *(("money", value, "") for value in ("12.50", "$12", "¥12", "XXX 12")),
    *(("date", value, "") for value in ("", "12/05/2026", "08-15", "2026", "2026-13-01", "soon")),
    *(
        ("date", value, "")
        for value in ("2026-02-29", "2026-8-15-1", "Aug Aug 1", "5 x Aug", "1/1")
    ),
    *(("date", value, "dmy") for value in ("04/15/2026", "08-15", "2026-08-15", "31.04.2026")),
    *(("time", value, "") for value in ("", "14", "25:00", "14:60", "13:00 pm", "0:30 am", "1:2")),
    *(("telephone", value, "") for value in ("", "+", "call me", "1" * 25, "12;34")),
    *(("characters", value, "") for value in ("", "…", "x" * 201)),
    *((kind, "1", "x") for kind in KINDS),
]


@pytest.mark.parametrize(("kind", "value", "detail", "parts"), TAKEN)
def test_a_value_is_taken_in_its_parts(
    kind: str, value: str, detail: str, parts: tuple[str, ...]
) -> None:
    assert parts_of(kind, value, detail) == parts


@pytest.mark.parametrize(("kind", "value", "detail"), REFUSED)
def test_what_its_kind_does_not_take_is_refused(kind: str, value: str, detail: str) -> None:
    with pytest.raises(CannotSay):
        parts_of(kind, value, detail)


@pytest.mark.parametrize(
    ("locale", "full", "short"),
    [
        ("en-US", ("2026", "12", "05"), ("", "12", "05")),
        ("en-GB", ("2026", "05", "12"), ("", "05", "12")),
        ("zh-HK", ("2026", "05", "12"), ("", "05", "12")),
        ("zh-CN", None, ("", "12", "05")),
    ],
)
def test_the_locale_decides_the_order_that_a_date_leaves_open(
    locale: Locale, full: tuple[str, ...] | None, short: tuple[str, ...]
) -> None:
    assert parts_of("date", "12/05", locale=locale) == short
    assert parts_of("date", "2026-12-05", locale=locale) == ("2026", "12", "05")
    if full:
        assert parts_of("date", "12/05/2026", locale=locale) == full
    else:
        with pytest.raises(CannotSay, match="or a locale"):
            parts_of("date", "12/05/2026", locale=locale)


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=300), st.sampled_from(("", "CNY", "dmy")))
def test_any_value_has_parts_or_is_refused(kind: str, value: str, detail: str) -> None:
    with suppress(CannotSay):
        assert all(isinstance(part, str) for part in parts_of(kind, value, detail))


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_of_the_table_is_taken(kind: str) -> None:
    assert all(parts_of(kind, value, detail) for value, detail in KINDS[kind].examples)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", ["1" * 10_000, "a " * 5_000, "1:" * 5_000, " ,ext" * 2_000])
def test_a_long_value_takes_no_time(kind: str, value: str) -> None:
    began = time.process_time()
    with suppress(CannotSay):
        parts_of(kind, value)
    assert time.process_time() - began < 2


def test_an_unknown_currency_or_order_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(CannotSay, match=r"money with one of AED, .*USD"):
        parts_of("money", "12", "RMB")
    with pytest.raises(CannotSay, match="date with one of ymd, mdy, dmy"):
        parts_of("date", "2026-08-15", "yyyy")


def test_the_shape_of_a_value_shows_how_it_is_written_and_not_what_it_says() -> None:
    assert shape_of("12/05/2026 张三\n") == "99/99/9999 aa?"
    assert shape_of("x" * 40) == "a" * 30 + "…"
    assert shape_of("") == "nothing"
