"""Polyphones on espeak: the table of Mandarin has what it misreads, and it says what that has."""

import re

import pytest

from seedcast.gpu_consumers.engines.espeak import speaker
from seedcast.gpu_consumers.engines.espeak.phonemes import of_pinyin
from seedcast.gpu_consumers.engines.espeak.ssml import Speech
from seedcast.gpu_consumers.text.mandarin.classes.polyphones import WORDS
from seedcast.gpu_consumers.text.reader import Reader

READER = Reader()


def sounds(phonemes: str) -> str:
    """Return phonemes without stress, pauses and the ways to write one sound."""
    return re.sub("[wj]", "", re.sub(r"['_|,: ]", "", phonemes))


def test_espeak_misreads_each_word_of_the_table_when_left_alone() -> None:
    """A word that a newer espeak reads right should leave the table."""
    alone = speaker.phonemes(Speech("cmn", "".join(f"{word}。" for word in WORDS))).split("\n")
    lines = [line for line in alone if line]
    right = [
        word
        for word, line in zip(WORDS, lines, strict=True)
        if sounds(line) == sounds(of_pinyin(WORDS[word]) or "")
    ]
    assert right == []


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        ("还款", "huan2"),
        ("建行", "hang2"),
        ("重启", "chong2"),
        ("验证码为7", "wei2"),
        ("單女士", "shan4"),
        ("系好安全带", "ji4"),
        ("东莞", "dong1 guan3"),
    ],
)
def test_espeak_says_the_sound_of_the_table(text: str, pinyin: str) -> None:
    said = speaker.phonemes(speaker.speech_of(READER.read(text)))
    assert sounds(of_pinyin(pinyin) or "") in sounds(said)
