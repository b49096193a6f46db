"""Speech is found where it begins and ends, and cut with padding and fades."""

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest

from seedcast.stream_apps.audio import trim, vad
from seedcast.stream_apps.audio.pauses import shorten_pauses
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import Samples
from seedcast.stream_apps.audio.source import Source
from seedcast.stream_apps.audio.trim import Edges, cut, find_speech
from tests.builders.speech import (
    ENGLISH,
    MANDARIN,
    RATE,
    SHORT,
    VOICES,
    between,
    breath,
    noisy,
    pink,
    power,
    silence,
    speech,
    white,
)

SLACK = 0.03  # seconds
FRAME = round(0.01 * RATE)


def level(samples: Samples, decibels: float, reference: Samples) -> Samples:
    """Bring noise of power 1 to `decibels` over the speech `reference`."""
    return samples * np.float32(np.sqrt(power(reference) * 10 ** (decibels / 10)))


def edges_of(samples: Samples) -> Edges:
    edges = find_speech(samples, RATE)
    assert edges
    return edges


@pytest.mark.sample(16)
@pytest.mark.parametrize("seconds", [0.2, 0.7, 3.0])
@pytest.mark.parametrize("kind", ["silence", "noise floor", "breath"])
@pytest.mark.parametrize(("text", "seed"), VOICES)
def test_silence_and_noise_added_at_the_ends_are_found(
    text: str, seed: int, kind: str, seconds: float
) -> None:
    clean, count = speech(text, seed), round(seconds * RATE)
    samples = np.concatenate([silence(seconds), clean, silence(seconds)])
    if kind == "noise floor":
        samples = samples + level(pink(len(samples)), -45, clean)
    if kind == "breath":
        samples[:count], samples[-count:] = (
            level(breath(count, 1), -38, clean),
            level(breath(count, 2), -38, clean),
        )
    edges = edges_of(samples)
    assert abs(edges.start - count) / RATE <= SLACK
    assert abs(edges.end - (len(samples) - count)) / RATE <= SLACK


@pytest.mark.parametrize("decibels", [-5, -10, -15])
@pytest.mark.parametrize("noise", [white, pink])
def test_steady_noise_beside_the_speech_is_cut(
    noise: Callable[[int], Samples], decibels: int
) -> None:
    """White noise is as loud as the speech among the high frequencies, and is no speech."""
    clean, count = speech(), round(0.7 * RATE)
    samples = np.concatenate([silence(0.7), clean, silence(0.7)])
    edges = edges_of(samples + level(noise(len(samples)), decibels, clean))
    assert edges.start >= count - 0.1 * RATE
    assert edges.end <= len(samples) - count + 0.2 * RATE


@pytest.mark.parametrize(
    ("text", "seed"),
    [
        (text, seed)
        for text in (ENGLISH, MANDARIN, "Yes.", "好的。", "It is enough", "这是您的吗")
        for seed in range(1, 7)
    ],
)
def test_no_voiced_frame_of_untouched_speech_is_removed(text: str, seed: int) -> None:
    clean = speech(text, seed)
    edges = edges_of(clean)
    energy = np.square(clean[: len(clean) // FRAME * FRAME].reshape(-1, FRAME)).mean(axis=1)
    voiced = np.flatnonzero(energy > energy.max() / 1000)  # 30 dB under the loudest
    assert edges.start <= voiced[0] * FRAME + FRAME // 2
    assert edges.end >= (voiced[-1] + 1) * FRAME - FRAME // 2


@pytest.mark.parametrize("decibels", [-20, -28])
@pytest.mark.parametrize(("text", "seed"), VOICES)
def test_a_whispered_end_and_a_fricative_at_the_start_are_kept(
    text: str, seed: int, decibels: float
) -> None:
    clean, quiet = speech(text, seed), round(0.18 * RATE)
    hiss = level(np.diff(white(quiet + 1, 3)) / np.float32(np.sqrt(2)), decibels, clean)
    samples = np.concatenate([silence(0.5), hiss, clean, hiss[::-1], silence(0.5)])
    edges = edges_of(samples)
    assert edges.start <= round((0.5 + SLACK) * RATE)
    assert edges.end >= len(samples) - round((0.5 + SLACK) * RATE)


@pytest.mark.sample(24)
@pytest.mark.parametrize("text", ["OK.", "Yes.", "No", "Hi!", "7", "好。", "是", "对不起", "三"])
@pytest.mark.parametrize("seed", range(8))
def test_the_shortest_texts_are_speech_in_every_voice(text: str, seed: int) -> None:
    clean = speech(text, seed)
    edges = edges_of(np.concatenate([silence(0.3), clean, silence(0.3)]))
    assert edges.end - edges.start >= 0.8 * len(clean)


@pytest.mark.parametrize(
    "samples",
    [
        silence(3.0),
        white(3 * RATE) * np.float32(0.1),
        pink(3 * RATE) * np.float32(0.1),
        silence(0.01),
        white(1),
    ],
)
def test_samples_without_speech_have_no_edges(samples: Samples) -> None:
    assert find_speech(samples, RATE) is None


def test_with_a_threshold_of_0_every_sound_is_speech() -> None:
    tone = (0.3 * np.sin(np.arange(2 * RATE) * 0.1)).astype(np.float32)
    edges = find_speech(np.concatenate([silence(1.0), tone]), RATE, 0.0)
    assert edges
    assert edges.end == RATE * 3


def test_the_model_hears_only_a_small_part_of_a_long_clip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows_heard = 0
    probabilities = vad.probabilities

    def counted(samples: Samples):  # type: ignore[no-untyped-def]
        nonlocal windows_heard
        for probability in probabilities(samples):
            windows_heard += 1
            yield probability

    monkeypatch.setattr(trim.vad, "probabilities", counted)
    clean = speech()
    talk = np.concatenate([silence(0.3), *[clean] * 20, silence(0.3)])
    edges_of(talk)
    assert windows_heard * vad.WINDOW / vad.RATE < 3  # seconds, of two minutes
    late = np.concatenate([silence(20), clean, silence(20)])
    edges = edges_of(late)
    assert abs(edges.start - 20 * RATE) < SLACK * RATE
    assert abs(edges.end - 20 * RATE - len(clean)) < SLACK * RATE


def test_a_cut_leaves_padding_and_fades_only_inside_it() -> None:
    samples = np.ones(RATE, np.float32)
    kept, trimmed = cut(samples, RATE, Edges(RATE // 4, RATE // 2), padding=0.1, fade=0.05)
    fade, padding = round(0.05 * RATE), round(0.1 * RATE)
    assert len(kept) == RATE // 2 - RATE // 4 + 2 * padding
    assert kept[0] == kept[-1] == 0
    assert np.all(np.diff(kept[:fade]) > 0)
    assert np.all(kept[fade:-fade] == 1)
    assert trimmed.seconds == pytest.approx((RATE - len(kept)) / RATE)
    assert np.all(samples == 1)  # the argument is not changed


@pytest.mark.parametrize("silence_at_hand", [0.0, 0.02, 0.1, 0.5])
def test_padding_is_a_promise_whatever_the_clip_holds(silence_at_hand: float) -> None:
    clean, margin = speech(), round(0.1 * RATE)
    around = silence(silence_at_hand)
    kept, trimmed = cut(
        np.concatenate([around, clean, around]),
        RATE,
        Edges(len(around), len(around) + len(clean)),
        padding=0.1,
        fade=0.01,
    )
    assert len(kept) == len(clean) + 2 * margin
    assert not kept[:margin].any()
    assert not kept[-margin:].any()
    hard = round(trim.HARD_END * RATE)
    assert np.array_equal(kept[margin + hard : -margin - hard], clean[hard:-hard])
    assert trimmed.lead == trimmed.tail == pytest.approx(silence_at_hand - 0.1, abs=1e-4)


def test_a_clip_that_is_cut_off_in_a_loud_sound_does_not_click() -> None:
    tone = np.cos(np.arange(RATE) * 0.1).astype(np.float32)
    kept, _ = cut(tone, RATE, Edges(0, RATE), padding=0.1, fade=0.01)
    assert np.abs(np.diff(kept)).max() <= 1.05 * np.abs(np.diff(tone)).max()


def test_without_padding_nothing_is_faded() -> None:
    kept, trimmed = cut(np.ones(1000, np.float32), RATE, Edges(0, 1000), padding=0.0, fade=0.0)
    assert np.all(kept == 1)
    assert trimmed.seconds == 0


def lost(samples: Samples, edges: Edges | None, decibels: float) -> float:
    """Return the seconds of sound within `decibels` of the loudest frame that are outside."""
    energy = np.square(samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)).mean(axis=1)
    loud = np.flatnonzero(energy > energy.max() * 10 ** (-decibels / 10)) * FRAME
    assert edges
    return float(np.sum((loud + FRAME <= edges.start) | (loud >= edges.end))) * FRAME / RATE


@pytest.mark.parametrize("lead", [0.0, 0.3])
@pytest.mark.parametrize(("text", "seed"), [*VOICES, ("好", 3), ("7", 4), ("S", 5), ("冰", 6)])
def test_a_clean_clip_loses_no_sound_however_it_begins(text: str, seed: int, lead: float) -> None:
    fast = speech(text, seed, speed=2.0)
    samples = np.concatenate([silence(lead), fast, silence(lead)])
    edges = find_speech(samples, RATE, is_clean=True)
    assert lost(samples, edges, 30) == 0
    assert edges
    assert edges.start >= lead * RATE - FRAME
    assert edges.end <= len(samples) - lead * RATE + FRAME


def test_a_clip_driven_into_clipping_loses_no_more_than_the_clean_one() -> None:
    for text, seed in VOICES:
        samples = np.concatenate([silence(0.3), speech(text, seed), silence(0.3)])
        clipped = np.clip(samples * 8, -1, 1)
        clean, driven = (
            Source(samples, RATE).find_speech(0.5),
            Source(clipped, RATE).find_speech(0.5),
        )
        assert driven.start <= clean.start + FRAME
        assert driven.end >= clean.end - FRAME


@pytest.mark.parametrize("gap", [0.2, 0.6])
def test_what_no_model_takes_for_speech_stays_after_a_sentence(gap: float) -> None:
    clean = speech()
    hoots = np.concatenate([np.hanning(RATE // 10).astype(np.float32), silence(0.1)] * 4)
    laughter = level(white(len(hoots), 5) * hoots, -15, clean)
    samples = np.concatenate([clean, silence(gap), laughter, silence(0.5)])
    assert lost(samples, Source(samples, RATE).find_speech(0.5), 20) == 0


def test_a_click_before_the_speech_is_cut() -> None:
    click = silence(1.0)
    click[RATE // 10 : RATE // 10 + 20] = 0.9
    edges = find_speech(np.concatenate([click, speech()]), RATE, is_clean=True)
    assert edges
    assert edges.start == pytest.approx(RATE, abs=FRAME)


def test_a_clean_clip_is_not_heard_by_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trim.vad, "probabilities", None)
    assert Source(np.concatenate([silence(0.5), speech()]), RATE).find_speech(0.5)


def test_pauses_inside_speech_stay_unless_they_are_capped() -> None:
    clean = speech()
    samples = np.concatenate([clean, silence(2.0), clean])
    assert edges_of(samples).end - edges_of(samples).start > len(samples) - SLACK * RATE
    shorter, removed = shorten_pauses(samples, RATE, 0.5)
    assert removed == pytest.approx((len(samples) - len(shorter)) / RATE)
    assert removed == pytest.approx(1.5, abs=0.15)
    assert np.array_equal(shorter[: len(clean)], clean)
    assert np.array_equal(shorter[-len(clean) :], clean)


def test_each_clip_is_heard_from_a_fresh_state() -> None:
    clip = resample(speech(), RATE, vad.RATE)
    before = list(vad.probabilities(clip))
    list(vad.probabilities(resample(speech(MANDARIN, 2), RATE, vad.RATE)))
    assert list(vad.probabilities(clip)) == before


@pytest.mark.parametrize("decibels", [5, 10, 20, 28, 31, 32, 33, 34, 36, 40, 50, 60])
@pytest.mark.parametrize(("noise", "around"), [(white, 0.0), (pink, 0.5)])
def test_noise_beside_speech_is_cut_at_every_snr_and_no_sound_is_lost(
    noise: Callable[[int], Samples], around: float, decibels: int
) -> None:
    """`around`: seconds of digital silence around the noise, which tell nothing about it."""
    clean, padding = between(speech(SHORT, 2), 1.0, 1.0), round(0.1 * RATE)
    samples = between(noisy(clean, noise(len(clean)), decibels), around, around)
    edges = Source(samples, RATE).find_speech(0.5)
    beside = round((1.0 + around) * RATE)
    assert edges.start >= beside - 0.1 * RATE
    assert edges.end <= len(samples) - beside + 0.25 * RATE
    kept = Edges(edges.start - padding, edges.end + padding)  # as `cut` leaves it
    assert lost(between(clean, around, around), kept, min(20, decibels)) == 0


def test_a_syllable_that_begins_at_once_is_heard_in_its_second_window() -> None:
    syllable = speech("我", 2)
    at_once = syllable[np.flatnonzero(np.abs(syllable) > 0.02)[0] :]
    heard = vad.probabilities(resample(at_once, RATE, vad.RATE))
    assert list(islice(heard, 2))[1] > 0.5


def test_what_is_nearly_as_loud_as_the_speech_before_its_edge_is_no_noise_floor() -> None:
    level, quietest = 1.0, 1e-6
    near, far = (np.full(60, 10 ** (-decibels / 10)) for decibels in (3, 12))
    assert trim._noise_floor(near, level, quietest) == 0
    assert trim._noise_floor(far, level, quietest) == pytest.approx(far[0])
