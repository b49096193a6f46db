"""Mixed texts: each run by the voice of its language, joined as one sentence."""

import numpy as np
import pytest

from seedcast.gpu_consumers.engines.espeak import ideographs, speaker
from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.gpu_consumers.engines.espeak.ssml import Speech, to_ssml
from seedcast.gpu_consumers.engines.espeak.voices import MEN, WOMEN, Voice
from seedcast.gpu_consumers.text.reader import Reader
from seedcast.gpu_consumers.text.tokens import Reading, Token
from seedcast.schemas.locales import Language
from seedcast.waveforms import Waveform
from tests.builders.pitch import pitches

PLAIN = Voice("m3", pitch=50, range=50, rate=170)  # no echo: silence is silent
READER = Reader()


def speech(text: str) -> Speech:
    return speaker.speech_of(READER.read(text))


def phonemes(text: str) -> list[str]:
    """What espeak says, a clause an item."""
    return list(filter(None, speaker.phonemes(speech(text)).splitlines()))


def of_tokens(*tokens: Token) -> Speech:
    return to_ssml(Reading(tokens, 0))


def token(words: str, language: Language, phonemes: str = "", pause: float = 0.0) -> Token:
    return Token(words, "words", language, words, phonemes, pause)


def silences(waveform: Waveform) -> list[float]:
    """The silences inside an utterance, in seconds; shorter ones than 30 ms are closures."""
    sounding = np.flatnonzero(np.abs(waveform.astype(int)) > 60)
    gaps = np.diff(sounding) / SAMPLE_RATE
    return [float(gap) for gap in gaps if gap > 0.03]


def lowest_pitch(waveform: Waveform) -> float:
    """In Hz, of what is loud."""
    return float(np.quantile(pitches(waveform, highest=300), 0.05))


def test_each_run_is_spoken_by_the_voice_of_its_language() -> None:
    assert phonemes("您的 iPhone 已发货。") == [
        "n'i35n_| t@33_|",
        "'aI f'oUn",
        "j'i21_| f'A55_| X'uo51_|",
    ]
    assert phonemes("Your order 订单 is here.") == ["jU@r- 'O@d3", "t'i51N_| t'a55n_|", "Iz h'i@3"]


@pytest.mark.parametrize("variant", WOMEN + MEN)
@pytest.mark.parametrize(
    ("first", "second", "text"),
    [("cmn", "en-us", "hello world."), ("en-us", "cmn", "您好，再见。")],
)
def test_a_language_in_a_text_keeps_the_speaker_pitch_and_pace(
    variant: str, first: str, second: str, text: str
) -> None:
    """But for an offset of some samples, the second run is what it is alone."""
    voice = Voice(variant, pitch=55, range=60, rate=210)
    alone = speaker.speak(Speech(second, text), voice)
    within = speaker.speak(Speech(first, f'<voice xml:lang="{second}">{text}'), voice)
    assert abs(len(within) - len(alone)) < 50
    spectra = [np.abs(np.fft.rfft(w.astype(float), 1 << 16)) for w in (alone, within)]
    assert np.corrcoef(*spectra)[0, 1] > 0.9


@pytest.mark.parametrize(
    "text", ["您的 iPhone 到了", "Your parcel 订单 is here", "用 WiFi 上网 ok 吗"]
)
def test_runs_are_joined_without_a_pause(text: str) -> None:
    assert max(silences(speaker.speak(speech(text), PLAIN)), default=0) < 0.08


@pytest.mark.parametrize("text", ["Order fifteen天", "天order fifteen天"])
def test_the_voice_does_not_fall_before_a_run_of_the_other_language(text: str) -> None:
    """天 is level and high: what is lower is English, which falls only at a sentence's end."""
    at_the_end = lowest_pitch(speaker.speak(speech("Order fifteen."), PLAIN))
    assert lowest_pitch(speaker.speak(speech(text), PLAIN)) > 1.1 * at_the_end


@pytest.mark.parametrize("text", ["Hello，您好", "您好, Anna", "您好。Goodbye"])
def test_a_mark_between_two_languages_is_a_pause(text: str) -> None:
    assert max(silences(speaker.speak(speech(text), PLAIN))) > 0.15


def test_any_number_of_changes_of_language_is_spoken() -> None:
    tokens = [token("天", "zh"), token("day", "en")] * 60
    said = speaker.phonemes(of_tokens(*tokens))
    assert (said.count("th'iE55n"), said.count("d'eI")) == (60, 60)


def test_a_break_lasts_as_long_as_it_says() -> None:
    (gap,) = silences(
        speaker.speak(
            of_tokens(token("您", "zh"), token("", "zh", pause=0.7), token("好", "zh")), PLAIN
        )
    )
    assert gap == pytest.approx(0.7, abs=0.08)


@pytest.mark.parametrize(
    "words", ["<break time='9s'/>", "[[h@l'oU]]", "</speak>", "&lt;b&gt; &amp;", "\x01B9", "]]["]
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_words_are_never_commands(words: str, language: Language) -> None:
    told = of_tokens(token(words, language), token(" parcel", "en"))
    said = speaker.phonemes(told)
    assert "p'A@s@L" in said
    assert "h@l'oU" not in said
    assert len(speaker.speak(told, PLAIN)) < 8 * SAMPLE_RATE


def test_pinyin_and_ipa_are_spoken_as_given() -> None:
    told = of_tokens(
        token("请", "zh"), token("还钱", "zh", "huan2 qian2"), token("Huawei", "en", "wˈɑːweɪ")
    )
    assert speaker.phonemes(told).splitlines() == ["tS;h'i21N_| X'ua35n_| tS;h'iE35n_|", "w'A:weI"]


def test_sounds_that_english_does_not_have_leave_the_word_as_it_is_written() -> None:
    assert speaker.phonemes(of_tokens(token("phone", "en", "ɸøɴ"))) == "f'oUn"


def test_no_ideograph_is_spelled_in_english() -> None:
    assert phonemes("兄弟，英雄。") == ["S;j'ong55_| t'i51_|", "j'i55N_| S;j'ong35_|"]
    every = speaker.phonemes(of_tokens(token("，".join(ideographs.PINYIN), "zh")))
    assert "(en)" not in every


def test_characters_without_a_sound_are_counted() -> None:
    assert speech("Anna, привет สวัสดี").unspoken == 6 + 6
    assert speech("辻先生").unspoken == 1
    assert "辻" not in speech("辻先生").ssml
    assert speech("您好，Anna").unspoken == 0


def test_nothing_of_a_long_clause_or_word_is_lost() -> None:
    assert speaker.phonemes(of_tokens(token("好" * 500, "zh"))).count("X") == 500
    assert speaker.phonemes(of_tokens(token("兄" * 300, "zh"))).count("ong") == 300
    assert speaker.phonemes(of_tokens(token("banana" * 60, "en"))).count("n") == 120


@pytest.mark.parametrize(
    ("first", "count", "unread"),
    [(0x4E00, 450, 24), pytest.param(0x4E00, 20_992, 715, marks=pytest.mark.slow)],
)
def test_every_ideograph_is_asked_for(first: int, count: int, unread: int) -> None:
    """More of them than five minutes of speech have."""
    every = "".join(map(chr, range(first, first + count)))
    table = ideographs.Ideographs(lambda mandarin: speaker.phonemes(Speech("cmn", mandarin)))
    assert len(table.unread_in(every)) == unread
    assert "辻" in table.unread_in("辻先生 Anna")


def test_a_single_letter_a_is_no_article() -> None:
    assert phonemes("A座 B, a parcel")[0] == "'eI"
    assert phonemes("A parcel") == ["a# p'A@s@L"]
    assert phonemes("Gate A4")[0] == "g'eIt 'eI f'o@"
