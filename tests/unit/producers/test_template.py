"""Templates are strict: a missing variable is an error, and a placeholder is a plain name."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedcast.catalog.markup import SayAs, Substitution, Text
from seedcast.catalog.markup_parser import parse
from seedcast.errors import InvalidRow
from seedcast.producers.rows.template import compile_template
from seedcast.schemas.locales import Locale

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


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"x", timedelta(hours=1)])
def test_a_value_that_cannot_be_spoken_is_refused(value: object) -> None:
    with pytest.raises(InvalidRow, match=r"field 'name'.*text or a number"):
        compile_template("Hello {name}").render(1, {"name": value})


@pytest.mark.parametrize("missing", [{}, {"name": None}, {"name": ""}, {"name": " "}])
def test_a_default_is_said_instead_of_a_missing_value(missing: dict[str, object]) -> None:
    assert compile_template("Hi {name|dear customer!}").render(1, missing) == "Hi dear customer!"
    assert compile_template("Hi {name|}").render(1, missing) == "Hi "
    markup = compile_template("Hi {name:digits|A & B}")
    assert parse(markup.render(1, missing)) == (Text("Hi A & B"),)
    assert compile_template("Hi {name|there}").render(1, {"name": "Bo"}) == "Hi Bo"


@pytest.mark.parametrize(
    ("source", "value", "said"),
    [
        ("{x:money:CNY}", "12.5", SayAs("money", "12.5", ("CNY", "", "12", "5"), "CNY")),
        (
            "{x:money:CNY}",
            Decimal("12.50"),
            SayAs("money", "12.50", ("CNY", "", "12", "50"), "CNY"),
        ),
        ("{x:money:CNY|0}", 12.0, SayAs("money", "12", ("CNY", "", "12", ""), "CNY")),
        ("{x:digits}", 482913, SayAs("digits", "482913", ("482913",))),
        (
            "{x:telephone}",
            13800138000.0,
            SayAs("telephone", "13800138000", ("", "", "13800138000")),
        ),
        ("{x:date}", date(2026, 8, 15), SayAs("date", "2026-08-15", ("2026", "08", "15"))),
        ("{x:date:dmy}", "15/08/2026", SayAs("date", "15/08/2026", ("2026", "08", "15"), "dmy")),
        (
            "{x:time}",
            datetime(2026, 8, 15, 8, 5),
            SayAs("time", "08:05", ("08", "05", "", "")),
        ),
        ("{x:time}", datetime(2026, 8, 15), SayAs("time", "00:00", ("00", "00", "", ""))),
        ("{x:number}", -3, SayAs("number", "-3", ("-", "3", ""))),
        ("{x:characters}", "a<b", SayAs("characters", "a<b", ("a<b",))),
    ],
)
def test_a_format_says_what_the_value_is(source: str, value: object, said: SayAs) -> None:
    template = compile_template(f"5 < 6 {source}.")
    assert template.is_markup
    assert parse(template.render(1, {"x": value})) == (Text("5 < 6 "), said, Text("."))


def test_a_template_without_formats_stays_plain() -> None:
    template = compile_template("5 < 6 & {x|y}")
    assert not template.is_markup
    assert template.render(1, {"x": "<break/>"}) == "5 < 6 & <break/>"


@pytest.mark.parametrize(("locale", "expected"), [("en-US", "12"), ("en-GB", "05"), (None, None)])
def test_the_locale_decides_what_a_value_leaves_open(
    locale: Locale | None, expected: str | None
) -> None:
    template = compile_template("{due:date}")
    if expected is None:
        with pytest.raises(InvalidRow, match=r"field 'due'.*or a locale"):
            template.render(1, {"due": "12/05/2026"}, locale)
    else:
        [said] = parse(template.render(1, {"due": "12/05/2026"}, locale), locale)
        assert isinstance(said, SayAs)
        assert said.parts[1] == expected


def test_a_value_that_its_format_does_not_take_is_an_error_that_shows_only_its_shape() -> None:
    with pytest.raises(InvalidRow) as caught:
        compile_template("{x:money:CNY}").render(3, {"x": "about 12"})
    error = caught.value
    assert (error.row, error.field, error.got) == (3, "x", "aaaaa 99")
    assert error.expected == "for money an amount in CNY such as 12.50 or 1,234"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{a:mony}", r"a with another format; expected {a:FORMAT}.*digits, number, date"),
        ("{a:}", "another format"),
        ("{a:money:}", "another format"),
        ("{a:money:CNY:x}", "another format"),
        ("{a:money:RMB}", "another detail; expected money with one of AED"),
        ("{a:date:yyyy}", "date with one of ymd"),
        ("{a:digits:3}", "nothing after digits"),
        ("{:date}", "a plain column name"),
        ("{|x}", "a plain column name"),
    ],
)
def test_an_unknown_format_is_refused_with_those_that_there_are(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_template(source)


# Every text that a row may hold.
anything = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\r\t"))


@given(anything, anything, st.sampled_from(["{x}", "{x:characters}", "{y|no} {x:characters}"]))
def test_no_value_and_no_text_of_a_template_changes_its_markup(
    value: str, literal: str, place: str
) -> None:
    source = f"{_escaped(literal)}{place}<b>{{z:digits}}"
    try:
        pieces = parse(compile_template(source).render(1, {"x": value, "z": "7"}))
    except InvalidRow:
        return  # a value that is missing, or too long to be spelled
    assert [piece.kind for piece in pieces if isinstance(piece, SayAs)][-1] == "digits"
    assert len(pieces) <= 5
    plain = "".join(p.text if isinstance(p, Text) else p.source for p in pieces if p != pieces[-1])
    assert plain.endswith("<b>")
    assert plain.startswith(literal.translate({0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}))


@given(anything)
def test_values_are_escaped_in_a_template_that_is_markup(value: str) -> None:
    template = compile_template('<break/>{x}<sub alias="a{x}">b</sub>', markup=True)
    if not value.strip():
        return
    known = value.translate({0xFFFE: "\ufffd", 0xFFFF: "\ufffd"})
    pieces = parse(template.render(1, {"x": value}))
    assert pieces[1:] == (Text(known), Substitution("b", f"a{known}"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("5 < {x}", "markup that is wrong: expected well-formed"),
        ("<{x}>", "markup that is wrong"),
        ("<{x}/>", "markup that is wrong"),
        ("<break {x}/>", "markup that is wrong"),
        ('<break time="{x}"/>', "as time a time"),
        ('<say-as interpret-as="{x}">1</say-as>', "interpret-as"),
        ('<sub alias="{x:digits}">b</sub>', "markup that is wrong"),
        ("<b>{x}</b>", "one of say-as"),
    ],
)
def test_a_template_that_is_wrong_markup_is_refused_before_its_first_row(
    source: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        compile_template(source, markup=True)
    assert compile_template('<say-as interpret-as="date">{x}</say-as>', markup=True)
