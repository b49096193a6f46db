"""The front end apart from wording: control tokens, unspoken characters, segments and pauses."""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from seedcast.errors import InvalidRequest
from seedcast.gpu_consumers.text import FrontEnd, Segment
from seedcast.gpu_consumers.text.alphabet import WORD
from seedcast.gpu_consumers.text.front_end import homophones_file

FRONT_END = FrontEnd(lambda word: True)


def spoken(text: str, front_end: FrontEnd = FRONT_END) -> list[str]:
    return [segment.text for segment in front_end.prepare(text).segments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[uv_break]你好[laugh]", "[uv_break]你好[laugh]"),
        ("你好[uv_break]，再见", "你好[uv_break]，再见"),
        ("你好，[lbreak]再见", "你好，[lbreak]再见"),
        ("Hello [laugh] world 5", "Hello [laugh] world five"),
        ("[lbreak] Hi. [laugh] There.", "[lbreak] Hi. [laugh] There."),
        ("hi [uv_break][uv_break][laugh][uv_break] there", "hi [uv_break][laugh] there"),
    ],
)
def test_the_three_allowed_control_tokens_are_kept(text: str, expected: str) -> None:
    assert spoken(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Stts]你好", "Stts, 你好"),
        ("[spk_emb]你好[Ptts]", "spk emb, 你好，Ptts"),
        ("[speed_9] hi", "speed nine, hi"),
        ("[v_break] hi [llbreak]", "v break, hi, llbreak"),
        ("[anything] hi", "anything, hi"),
        ("[UNK] hi [PAD]", "U N K, hi, P A D"),
        ("[LAUGH] hi", "LAUGH, hi"),
        ("[ laugh ] hi", "laugh, hi"),
        ("hi [laugh", "hi, laugh"),
        ("hi ]laugh[", "hi, laugh"),
        ("[la[laugh]ugh] hi", "la [laugh] ugh, hi"),
        ("[[laugh]]hi", "[laugh] hi"),
        ("［laugh］ hi", "laugh, hi"),
        ("【laugh】 hi", "laugh, hi"),
        ("﹝laugh﹞ hi", "laugh, hi"),
        ("[laugh\u200b] hi", "laugh, hi"),
        ("[lau\u00adgh] hi", "laugh, hi"),
        ("{laugh} <|laugh|> hi", "laugh, laugh, hi"),
        ("ⓛⓐⓤⓖⓗ", "laugh"),
        ("hi ##ing", "hi, ing"),
        ("\ue000hi\ue002", "hi"),
    ],
)
def test_any_other_bracket_is_a_pause_and_its_words_are_spoken(text: str, expected: str) -> None:
    assert spoken(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected", "unspoken"),
    [
        ("你好😀！", "你好。", 1),
        ("Привет hi", "hi", 6),
        ("สวัสดี hi", "hi", 6),
        ("مرحبا hi", "hi", 5),
        ("カナ kana", "kana", 2),
        ("\ud800 hi", "hi", 1),
        ("a\u200bb\x00 \t“c”", "ab c", 0),
        ("❤️ 5", "five", 1),
        ("٣ hi", "three hi", 0),
    ],
)
def test_characters_without_a_sound_are_dropped_and_counted(
    text: str, expected: str, unspoken: int
) -> None:
    assert spoken(text) == [expected]
    assert FRONT_END.prepare(text).unspoken == unspoken


@pytest.mark.parametrize(
    "text", ["", " \n\t", "😀😀", "Привет", "...", "[laugh]", "[uv_break][lbreak]!", "\u200b"]
)
def test_a_text_without_a_word_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        FRONT_END.prepare(text)
    assert refused.value.code == "nothing_to_speak"


def test_a_text_over_five_minutes_is_refused_by_an_error_that_does_not_quote_it() -> None:
    assert FRONT_END.prepare("你好吗，" * 320)
    with pytest.raises(InvalidRequest, match="expected at most 300 s") as refused:
        FRONT_END.prepare("你好吗，" * 340)
    assert refused.value.code == "text_too_long"
    assert "你" not in str(refused.value)


def test_a_smaller_record_makes_the_longest_text_shorter() -> None:
    front_end = FrontEnd(lambda word: True, longest_request=20)
    assert front_end.prepare("你好吗，" * 20)
    with pytest.raises(InvalidRequest, match="expected at most 20 s"):
        front_end.prepare("你好吗，" * 24)


def test_the_limit_of_five_minutes_applies_at_the_speed_of_the_request() -> None:
    text = "好" * 1_200  # 264 s at speed 1, and a pause of 0.6 s
    assert FRONT_END.prepare(text)
    with pytest.raises(InvalidRequest, match="got about 529 s") as refused:
        FRONT_END.prepare(text, 0.5)
    assert refused.value.code == "text_too_long"
    with pytest.raises(InvalidRequest, match="got about 529 s"):
        FRONT_END.prepare(text * 2)
    assert FRONT_END.prepare(text * 2, 2.0)


def test_pauses_do_not_depend_on_the_speed() -> None:
    text = "好。\n" * 400  # 400 times 0.47 s at speed 1, and 399 pauses of 0.6 s
    for speed in (1.0, 2.0):
        with pytest.raises(
            InvalidRequest, match=f"got about {400 * 0.47 / speed + 400 * 0.6:.0f} s"
        ):
            FRONT_END.prepare(text, speed)


def test_a_small_slot_makes_segments_shorter_and_a_large_slot_does_not_make_them_longer() -> None:
    text = "您的快递已经到达，请您尽快来取。" * 5
    assert all(
        segment.seconds <= 2.7 for segment in FRONT_END.prepare(text, slot_seconds=2.7).segments
    )
    assert FRONT_END.prepare(text, slot_seconds=60.0) == FRONT_END.prepare(text)
    assert FRONT_END.prepare(text, speed=0.5) == FRONT_END.prepare(text)


def test_a_word_that_the_tokenizer_does_not_know_is_spoken_in_parts_or_counted() -> None:
    front_end = FrontEnd(lambda word: word.islower() or word in "你好ABCD")
    assert spoken("你好龘 Hello ABCDE", front_end) == ["你好 hello abcde"]
    assert front_end.prepare("你好龘").unspoken == 1
    letters = FrontEnd(lambda word: word in "xy")
    assert spoken("xyz", letters) == ["x y"]
    assert letters.prepare("xyz").unspoken == 1


def test_a_homophone_replaces_a_misread_character_if_the_tokenizer_knows_it() -> None:
    assert spoken("骞出铓") == ["前出忙"]
    assert spoken("骞", FrontEnd(lambda word: word != "前")) == ["骞"]


def test_words_are_the_same_as_upstreams_normalizer_gives() -> None:
    """Compare with upstream's own tables.

    Its whole call would compile with numba first, which takes longer than all of these tests.
    """
    from ChatTTS.norm import Normalizer

    upstream = Normalizer(str(homophones_file()), logging.getLogger("silent"))
    homophones = dict(zip(*upstream.homophones_map.tolist(), strict=True))
    for text in (
        "您的橹车已到，请（尽快）取件！",
        "骞喔噢来了：好；走",
        "Hello (dear) Anna! Bye",
        "A，B《新闻》岀门",
    ):
        theirs = upstream.reject_pattern.sub(
            "", text.translate(upstream.character_simplifier).translate(homophones)
        )
        assert WORD.findall(spoken(text)[0]) == WORD.findall(theirs)


def test_short_sentences_share_a_segment_and_paragraphs_do_not() -> None:
    assert [
        (segment.text, segment.pause)
        for segment in FRONT_END.prepare("你好。再见。\n\nBye. Now.").segments
    ] == [("你好。再见。", 0.6), ("Bye. Now.", 0.0)]


def test_a_long_text_is_cut_evenly_at_sentences() -> None:
    sentence = "您的快递已经到达小区门口的快递柜。"  # 16 ideographs and a stop
    segments = FRONT_END.prepare(sentence * 5).segments
    assert [(segment.text, segment.pause) for segment in segments] == [
        (sentence * 3, 0.4),
        (sentence * 2, 0.0),
    ]
    assert segments[0].seconds == pytest.approx(3 * (16 * 0.22 + 0.25))


def test_a_long_sentence_is_cut_at_clauses_then_at_words() -> None:
    front_end = FrontEnd(lambda word: True, longest=3.0)
    assert [
        (segment.text, segment.pause)
        for segment in front_end.prepare("您的快递已经到达，请您尽快来取。").segments
    ] == [
        ("您的快递已经到达，", 0.25),
        ("请您尽快来取。", 0.0),
    ]
    parts = front_end.prepare(
        "one two three four five six seven eight nine ten eleven twelve thirteen"
    ).segments
    assert [(part.text, part.pause) for part in parts[:1]] == [
        ("one two three four five six seven", 0.0)
    ]
    assert (
        " ".join(part.text for part in parts)
        == "one two three four five six seven eight nine ten eleven twelve thirteen"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith comes at 5 p.m. tomorrow",
        "It costs $3.50 or 1.5 pounds",
        "See www.example.com for more",
        "J. K. Rowling wrote it",
        "1.2.3 is out",
    ],
)
def test_a_dot_inside_an_expression_does_not_end_a_sentence(text: str) -> None:
    assert "." not in spoken(text)[0]


def test_expected_seconds_count_characters_marks_and_tokens() -> None:
    # two ideographs, a mark, a token, two letters and a space: 0.44 + 0.25 + 0.3 + 0.225
    (segment,) = FRONT_END.prepare("你好，[uv_break]ab").segments
    assert segment == Segment("你好，[uv_break] ab", seconds=1.215, pause=0.0)


def test_finer_cuts_at_the_best_boundary_near_the_middle_and_keeps_the_last_pause() -> None:
    whole = Segment("好。您好，请稍等。", 2.51, 0.4)
    assert [(part.text, part.pause) for part in FRONT_END.finer(whole)] == [
        ("好。", 0.4),
        ("您好，请稍等。", 0.4),
    ]
    assert [
        (part.text, part.pause) for part in FRONT_END.finer(Segment("您好，请稍等。", 1.6, 0.6))
    ] == [("您好，", 0.25), ("请稍等。", 0.6)]
    assert [
        (part.text, part.pause) for part in FRONT_END.finer(Segment("one [laugh] two", 1.2, 0.0))
    ] == [("one", 0.0), ("[laugh] two", 0.0)]
    assert FRONT_END.finer(Segment("[laugh] two.", 0.8, 0.0)) == ()


TEXTS = [
    "您的 iPhone 15 已发货，应付¥12.50。",
    "Your order 订单 4411 leaves at 17:30, don't wait.",
    "二〇二四年3/5 [laugh] 1,000 km",
    "您的訂單已經發貨，請於3天內取件",
]


def test_the_result_is_the_same_in_another_process_and_order() -> None:
    code = (
        "from seedcast.gpu_consumers.text import FrontEnd\n"
        "front_end = FrontEnd(lambda word: True); "
        f"print([repr(front_end.prepare(text)) for text in {TEXTS[::-1]!r}][::-1])"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert other == repr([repr(FRONT_END.prepare(text)) for text in TEXTS])


def test_the_result_is_the_same_in_every_thread() -> None:
    expected = [FRONT_END.prepare(text) for text in TEXTS]
    fresh = FrontEnd(lambda word: True)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fresh.prepare, TEXTS * 50)) == expected * 50


def test_the_version_names_what_the_words_depend_on() -> None:
    assert all(
        name in FRONT_END.version
        for name in ("frontend-", "reader-", "opencc-", "unicode-", "locale-", "homophones-")
    )


def test_the_front_end_needs_no_torch() -> None:
    code = (
        "import sys\nfrom seedcast.gpu_consumers.text import FrontEnd\n"
        "FrontEnd(bool).prepare('5'); "
        "print('torch' in sys.modules or 'ChatTTS' in sys.modules)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "False"
    )
