"""The reader says what the table of readings says: a listener hears every code, amount and date."""

import pytest

from seedcast.gpu_consumers.text import Reader
from tests.unit.gpu_consumers.text.readings import Case, load, matches

READER = Reader()
CASES = load()
LANGUAGES = ("en", "zh")
KINDS = sorted({case.kind for case in CASES})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_listener_hears_what_the_table_says(kind: str, language: str) -> None:
    failures = [
        f"{case.locale}  {case.text}\n  expected  {case.alternatives[0]}\n  got       {said}"
        for case in CASES
        if case.kind == kind
        and case.locale.startswith(language)
        and not matches(case, said := spoken(case))
    ]
    assert not failures, f"{len(failures)} of {kind}:\n" + "\n".join(failures)


def spoken(case: Case) -> str:
    """Return what is said; 幺 of a code is 一 to the table."""
    return READER.read(case.text, locale=case.locale).spoken.replace("幺", "一")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pay by 5 April. Call us.", "Pay by April fifth. Call us."),
        ("Pay by 5 Apr. Call us.", "Pay by April fifth. Call us."),
        ("It is open till 15 Aug. at noon.", "It is open till August fifteenth at noon."),
        ("Call by 5 p.m. EST today.", "Call by five P M E S T today."),
        ("Call by 5 p.m. Bring cash.", "Call by five P M. Bring cash."),
    ],
)
def test_a_sentence_ends_where_it_does_and_nowhere_else(text: str, expected: str) -> None:
    assert READER.read(text, locale="en-US").spoken == expected
