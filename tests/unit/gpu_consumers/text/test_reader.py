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
