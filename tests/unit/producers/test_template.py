"""Templates are strict: a missing variable is an error, and a placeholder is a plain name."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.errors import InvalidRow
from seedcast.producers.rows.template import compile_template

names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
values = st.text(min_size=1).filter(lambda text: text.strip())
literals = st.text()


@given(st.lists(st.tuples(literals, names, values)), literals)
def test_literals_and_values_are_rendered_unchanged(
    parts: list[tuple[str, str, str]], end: str
) -> None:
    row = {f"{name}{index}": value for index, (_, name, value) in enumerate(parts)}
    source = "".join(
        _escaped(literal) + f"{{{name}{index}}}" for index, (literal, name, _) in enumerate(parts)
    )
    rendered = "".join(literal + value for literal, _, value in parts)
    assert compile_template(source + _escaped(end)).render(1, row) == rendered + end


def _escaped(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")


def test_a_value_is_not_a_template() -> None:
    assert compile_template("{a} 100% {b}").render(1, {"a": "{b} %s", "b": "x"}) == "{b} %s 100% x"


def test_numbers_are_spoken_as_they_are_written() -> None:
    row = {"a": 7, "b": Decimal("12.50"), "c": 0.5}
    assert compile_template("{a} {b} {c}").render(1, row) == "7 12.50 0.5"


@pytest.mark.parametrize(
    "source", ["{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{ }", "{a", "a}", "{a:{b}}"]
)
def test_a_placeholder_that_is_no_plain_name_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"name|[Ss]ingle|expected"):
        compile_template(source)


@pytest.mark.parametrize(
    ("row", "got"),
    [
        ({}, "nothing"),
        ({"name": None}, "nothing"),
        ({"name": ""}, "an empty value"),
        ({"name": " \t"}, "an empty value"),
    ],
)
def test_the_error_names_a_missing_or_empty_variable(row: dict[str, object], got: str) -> None:
    with pytest.raises(InvalidRow) as caught:
        compile_template("Hello {name}").render(12, row)
    assert (caught.value.row, caught.value.field, caught.value.got) == (12, "name", got)


class NotATime(datetime):
    """Like the missing time of pandas, NaT."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, _: object) -> bool:
        return False


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        NotATime(2026, 1, 1),
    ],
)
def test_numbers_that_are_not_finite_and_missing_times_are_refused(value: object) -> None:
    with pytest.raises(
        InvalidRow, match=r"field 'amount'.*expected a finite number, or a date or time"
    ):
        compile_template("{amount} due").render(1, {"amount": value})


def test_a_number_with_too_many_digits_is_refused() -> None:
    with pytest.raises(InvalidRow, match=r"field 'amount'.*at most 1,000 digits"):
        compile_template("{amount} due").render(1, {"amount": 10**5000})


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, b"x"])
def test_a_value_that_cannot_be_spoken_is_refused(value: object) -> None:
    with pytest.raises(InvalidRow, match=r"field 'name'.*text or a number"):
        compile_template("Hello {name}").render(1, {"name": value})
