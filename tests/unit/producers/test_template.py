"""Templates are strict: a variable that is missing is an error, and nothing but a variable is a placeholder."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.rows.template import compile_template
from seedcast.errors import InvalidRow

names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
values = st.text(min_size=1).filter(lambda text: text.strip())
literals = st.text()


@given(st.lists(st.tuples(literals, names, values)), literals)
def test_every_literal_and_every_value_comes_out_as_it_went_in(
    parts: list[tuple[str, str, str]], end: str
) -> None:
    row = {f"{name}{place}": value for place, (_, name, value) in enumerate(parts)}
    source = "".join(
        _escaped(literal) + f"{{{name}{place}}}" for place, (literal, name, _) in enumerate(parts)
    ) + _escaped(end)
    assert (
        compile_template(source).render(1, row)
        == "".join(literal + value for literal, _, value in parts) + end
    )


def _escaped(literal: str) -> str:
    return literal.replace("{", "{{").replace("}", "}}")


def test_a_value_is_not_a_template() -> None:
    assert compile_template("{a} 100% {b}").render(1, {"a": "{b} %s", "b": "x"}) == "{b} %s 100% x"


def test_numbers_are_spoken_as_they_are_written() -> None:
    assert (
        compile_template("{a} {b} {c}").render(1, {"a": 7, "b": Decimal("12.50"), "c": 0.5})
        == "7 12.50 0.5"
    )


@pytest.mark.parametrize(
    "source", ["{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{ }", "{a", "a}", "{a:{b}}"]
)
def test_what_is_no_plain_name_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"name|[Ss]ingle|expected"):
        compile_template(source)


@pytest.mark.parametrize(
    ("row", "got"),
    [
        ({}, "nothing"),
        ({"name": None}, "nothing"),
        ({"name": ""}, "an empty one"),
        ({"name": " \t"}, "an empty one"),
    ],
)
def test_a_variable_that_is_missing_or_empty_is_named(row: dict[str, object], got: str) -> None:
    with pytest.raises(InvalidRow) as caught:
        compile_template("Hello {name}").render(12, row)
    assert (caught.value.row, caught.value.field, caught.value.got) == (12, "name", got)


class NotATime(datetime):
    """As pandas' NaT is one."""

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
def test_what_is_no_number_and_no_moment_is_refused(value: object) -> None:
    with pytest.raises(
        InvalidRow, match=r"field 'amount'.*expected a number or a moment that exists"
    ):
        compile_template("{amount} due").render(1, {"amount": value})


def test_a_number_without_an_end_is_refused() -> None:
    with pytest.raises(InvalidRow, match=r"field 'amount'.*at most 1,000 digits"):
        compile_template("{amount} due").render(1, {"amount": 10**5000})


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, b"x"])
def test_what_cannot_be_spoken_is_refused(value: object) -> None:
    with pytest.raises(InvalidRow, match=r"field 'name'.*text or a number"):
        compile_template("Hello {name}").render(1, {"name": value})
