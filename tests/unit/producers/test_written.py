"""Typed values are written as a person writes them."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.rows.written import written

SHANGHAI = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1.0", "1.0"),
        (7, "7"),
        (13800138000.0, "13800138000"),
        (float(2**53 - 1), "9007199254740991"),
        (-0.0, "0"),
        (12.5, "12.5"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (1234567.891, "1234567.891"),
        (Decimal("12.50"), "12.50"),
        (Decimal("12.500000"), "12.5"),
        (Decimal("3.000"), "3"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.00"), "0.00"),
        (Decimal("0.1250"), "0.125"),
        (date(2026, 8, 15), "2026-08-15"),
        (datetime(2026, 8, 15), "2026-08-15"),
        (datetime(2026, 8, 15, tzinfo=SHANGHAI), "2026-08-15"),
        (datetime(2026, 8, 15, 14, 30, tzinfo=UTC), "2026-08-15 14:30"),
        (datetime(2026, 8, 15, 14, 30, 5, 7), "2026-08-15 14:30:05"),
        (time(8, 5), "08:05"),
        (time(8, 5, 9, 1, tzinfo=UTC), "08:05:09"),
        (True, "yes"),
        (False, "no"),
    ],
)
def test_a_value_is_written_as_a_person_writes_it(value: object, expected: str) -> None:
    assert written(value) == expected


def test_true_and_false_are_words_of_the_templates_language() -> None:
    assert [written(value, mandarin=True) for value in (True, False, 7)] == ["是", "否", "7"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float(2**53), "an integer under 9007199254740992, or a column of text"),  # or 2⁵³ + 1
        (-1e300, "an integer under"),
        (float("nan"), "a finite number"),
        (Decimal("1E+5000"), "at most 1,000 digits"),
        (Decimal("1E-5000"), "at most 1,000 digits"),
        (10**1000, "at most 1,000 digits"),
        (b"x", "text or a number"),
        (None, "text or a number"),
        (timedelta(1), "text or a number"),
    ],
)
def test_what_has_lost_digits_or_is_no_value_is_refused(value: object, message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        written(value)
    assert message in caught.value.expected


@given(st.integers(1 - 2**53, 2**53 - 1))
def test_an_integer_in_a_float_is_written_as_the_integer(value: int) -> None:
    assert written(float(value)) == str(value)


@given(st.floats(-1e15, 1e15))
def test_a_float_is_never_written_with_an_exponent(value: float) -> None:
    text = written(value)
    assert "e" not in text.lower()
    assert float(text) == pytest.approx(value, rel=1e-14)


@given(st.decimals(-(10**20), 10**20, allow_nan=False))
def test_a_decimal_keeps_its_value(value: Decimal) -> None:
    assert Decimal(written(value)) == value
