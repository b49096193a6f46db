"""Properties of the result for any text: one error, one alphabet, bounded segments, all words."""

import re

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from seedcast.errors import InvalidRequest
from seedcast.gpu_consumers.text import FrontEnd, Prepared, Segment
from seedcast.gpu_consumers.text.alphabet import ACCEPTED, WORD
from seedcast.gpu_consumers.text.reader import Reader
from seedcast.gpu_consumers.text.tags import TOKEN

LONGEST = 5.0
FRONT_END = FrontEnd(lambda word: True, longest=LONGEST)
READER = Reader()
UNBOUNDED = FrontEnd(lambda word: True, longest=1e6)
FRAGMENTS = (
    "[laugh]", "[uv_break]", "[Stts]", "[", "]", "##", "您好", "订单", "元", "号", "%", "12", "0",
    "2024-03-05", "17:30", "¥", "$", "1,234.5", "3/4", "-", "~", ":", "+86 ", "http://a.b/", "@",
    ".", "，", "。", "!", " ", "\n", "Dr. ", "don't", "A1", "pm", "kg", "st", "°C", "½", "😀", "é",
    "Ж", "٣", "訂", "*", "(", ")", "一", "the ", "O'", "第",
)  # fmt: skip
TEXT = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join),
    st.text(alphabet="0123456789.,:/- $%年月元a", max_size=60),
)


def prepare(text: str, front_end: FrontEnd = FRONT_END) -> Prepared:
    try:
        return front_end.prepare(text)
    except InvalidRequest:
        assume(False)
        raise


def words(segments: tuple[Segment, ...]) -> list[str]:
    return [
        word
        for segment in segments
        for pair in re.findall(rf"{TOKEN.pattern}|({WORD.pattern})", segment.text)
        for word in pair
        if word
    ]


@settings(max_examples=400, deadline=None)
@given(TEXT)
def test_only_accepted_characters_and_allowed_tokens_come_out(text: str) -> None:
    prepared = prepare(text)
    assert prepared.segments
    for segment in prepared.segments:
        assert ACCEPTED.fullmatch(TOKEN.sub("", segment.text))
        assert WORD.search(TOKEN.sub("", segment.text))
        assert segment.text == segment.text.strip()


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_no_digit_is_left_unspoken(text: str) -> None:
    for ending in (" 您好您好您好您好您好", " this is a text in English words"):
        assert not re.search("[0-9]", READER.read(text + ending).spoken)


@settings(max_examples=200, deadline=None)
@given(TEXT)
@example("word " * 40 + "[uv_break]")
def test_segments_are_bounded_and_together_say_every_word(text: str) -> None:
    prepared = prepare(text)
    assert all(0 < segment.seconds <= LONGEST for segment in prepared.segments)
    assert all(segment.pause in (0.0, 0.25, 0.4, 0.6) for segment in prepared.segments)
    assert prepared.segments[-1].pause == 0
    assert words(prepared.segments) == words(prepare(text, UNBOUNDED).segments)


@settings(max_examples=100, deadline=None)
@given(TEXT, st.floats(LONGEST, 10.0))
def test_segments_fit_into_a_slot(text: str, slot_seconds: float) -> None:
    expected = words(prepare(text, UNBOUNDED).segments)
    segments = UNBOUNDED.prepare(text, slot_seconds=slot_seconds).segments
    assert all(segment.seconds <= slot_seconds for segment in segments)
    assert words(segments) == expected


@settings(max_examples=200, deadline=None)
@given(TEXT)
@example("A[uv_break]")  # a token that no word follows
@example("one two[laugh]")
def test_finer_says_the_same_words_in_strictly_shorter_segments(text: str) -> None:
    for segment in prepare(text).segments:
        parts = FRONT_END.finer(segment)
        assert len(parts) >= 2 or len(WORD.findall(TOKEN.sub("", segment.text))) == 1
        assert all(part.seconds < segment.seconds for part in parts)
        assert not parts or (words(parts) == words((segment,)) and parts[-1].pause == segment.pause)


@settings(max_examples=100, deadline=None)
@given(TEXT)
def test_dropped_characters_never_outnumber_the_text(text: str) -> None:
    assert 0 <= prepare(text).unspoken <= len(text)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["你好", "word", "再见", "。", ", "]), min_size=1, max_size=60).map(
        "".join
    )
)
def test_plain_words_are_not_changed(text: str) -> None:
    assert words(prepare(text).segments) == WORD.findall(text)
