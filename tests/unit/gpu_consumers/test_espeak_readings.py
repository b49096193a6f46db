"""The table of readings on espeak, by its phonemes: it says the words that a listener must hear.

A text and its right reading, in words without digits and signs, sound alike but for what depends on
marks: stress, tone, pauses and the sounds that link words. Not covered: a letter A between words,
where the table cannot tell it from the article.
"""

import re
from collections.abc import Iterator
from itertools import groupby

import pytest

from seedcast.gpu_consumers.engines.espeak import speaker
from seedcast.gpu_consumers.text.reader import Reader
from seedcast.gpu_consumers.text.tokens import Reading
from tests.unit.gpu_consumers.text.readings import Case, load

CASES = 12  # of each kind
READER = Reader()
_IN_A_RUN = re.compile(r"\((?:en|cmn)\)")
_TONE = re.compile(r"(?<=[^\d'])(?:55|35|214|21|51|53|11|22|33|44)")
_STRESS_GAPS_AND_LINKS = re.compile(r"[',%_:|\s#;r-]")
_WORD = re.compile(r"[\u4e00-\u9fff]|[a-z0-9]+")
_LETTER_A = re.compile(r"\ba\b(?! \w\w)|(?<=\b\w )a\b")
_LETTER = re.compile(r"\b[b-z]\b(?!')")


def sounds(reading: Reading) -> str:
    said = speaker.phonemes(speaker.speech_of(reading))
    return _STRESS_GAPS_AND_LINKS.sub("", _TONE.sub("", _IN_A_RUN.sub("", said)))


def words(spoken: str) -> list[str]:
    return _WORD.findall(spoken.lower().replace("'", ""))


def heard(case: Case) -> Iterator[tuple[str, str]]:
    """Yield a case as (text, reading), with capitals for letters; nothing if it is not covered."""
    spoken = words(READER.read(case.text, locale=case.locale).spoken)
    for reading in case.alternatives:
        if words(reading) == spoken and not _LETTER_A.search(reading):
            yield case.text, _LETTER.sub(lambda letter: letter.group().upper(), reading)
            return


KINDS = {kind: list(cases) for kind, cases in groupby(load(), key=lambda case: case.kind)}


@pytest.mark.parametrize("kind", KINDS)
def test_espeak_says_what_a_listener_must_hear(kind: str) -> None:
    cases = [(case, pair) for case in KINDS[kind][::2] for pair in heard(case)][:CASES]
    assert len(cases) == CASES
    for case, (text, reading) in cases:
        written, right = (READER.read(said, locale=case.locale) for said in (text, reading))
        assert sounds(written) == sounds(right), text
