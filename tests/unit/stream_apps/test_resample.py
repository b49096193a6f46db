"""The filters, measured against what they promise.

The ripple is under 0.1 dB up to 90 % of the lower Nyquist frequency, and nothing beyond that
frequency is over −80 dB.
"""

import numpy as np
import pytest

from seedcast.stream_apps.audio.band import keep_band
from seedcast.stream_apps.audio.resample import Method, method_for, resample
from seedcast.stream_apps.audio.samples import Samples

METHODS: tuple[Method, ...] = ("soxr", "kaiser")
RATES = [
    (22_050, 8_000),
    (22_050, 24_000),
    (22_050, 48_000),
    (24_000, 8_000),
    (24_000, 48_000),
    (48_000, 24_000),
]


def sine(hertz: float, rate: int, seconds: float = 1.0) -> Samples:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def amplitude(samples: Samples, hertz: float, rate: int) -> float:
    """Return the amplitude in dB, relative to a sine of full scale.

    The ends, where a filter meets silence, are left out.
    """
    middle = samples[len(samples) // 5 : -(len(samples) // 5)].astype(float)
    turning = np.exp(-2j * np.pi * hertz * np.arange(len(middle)) / rate)
    window = np.blackman(len(middle))
    return 20 * float(np.log10(2 * abs(np.sum(middle * turning * window)) / window.sum() + 1e-12))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rate", "target"), RATES)
def test_the_pass_band_is_flat(rate: int, target: int, method: Method) -> None:
    for share in (0.01, 0.1, 0.3, 0.5, 0.7, 0.85, 0.9):
        hertz = share * min(rate, target) / 2
        made = resample(sine(hertz, rate), rate, target, method)
        assert abs(amplitude(made, hertz, target)) < 0.1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rate", "target"), [pair for pair in RATES if pair[0] > pair[1]])
def test_tones_over_the_new_nyquist_frequency_do_not_alias(
    rate: int, target: int, method: Method
) -> None:
    for share in (1.01, 1.1, 1.3, 1.6, 1.9):
        hertz = share * target / 2
        if hertz < 0.98 * rate / 2:
            made = resample(sine(hertz, rate), rate, target, method)
            middle = made[len(made) // 5 : -(len(made) // 5)]
            assert 20 * np.log10(np.sqrt(2 * np.mean(middle.astype(float) ** 2)) + 1e-12) < -80


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rate", "target"), [pair for pair in RATES if pair[0] < pair[1]])
def test_no_image_remains_over_the_old_nyquist_frequency(
    rate: int, target: int, method: Method
) -> None:
    made = resample(sine(0.8 * rate / 2, rate), rate, target, method)
    middle = made[len(made) // 5 : -(len(made) // 5)]
    power = np.abs(np.fft.rfft(middle * np.blackman(len(middle)))) ** 2
    beyond = power[int(1.02 * len(power) * rate / target) :]
    assert 10 * np.log10(beyond.sum() / power.sum()) < -80


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("rate", "target"), [*RATES, (22_050, 44_100), (24_001, 8_000), (44_100, 22_050)]
)
@pytest.mark.parametrize("count", [1, 2, 9, 147, 294, 1000, 24_007])
def test_the_length_is_exact(count: int, rate: int, target: int, method: Method) -> None:
    made = resample(np.ones(count, np.float32), rate, target, method)
    assert len(made) == -(-count * target // rate)


@pytest.mark.parametrize(
    ("rate", "target", "asked", "used"),
    [
        (24_000, 24_000, "soxr", None),
        (24_000, 8_000, "soxr", "soxr"),
        (24_000, 8_000, "kaiser", "kaiser"),
        (24_001, 8_000, "kaiser", "soxr"),
    ],
)
def test_a_filter_that_would_be_too_long_is_replaced_by_soxr(
    rate: int, target: int, asked: Method, used: Method | None
) -> None:
    assert method_for(rate, target, asked) == used
    if used:
        samples = sine(1000, rate, 0.1)
        made, expected = (resample(samples, rate, target, method) for method in (asked, used))
        assert np.array_equal(made, expected)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("rate", "target"), RATES)
def test_an_impulse_stays_where_it_was(rate: int, target: int, method: Method) -> None:
    impulse = np.zeros(2 * rate, np.float32)
    impulse[rate] = 1  # at exactly one second
    made = resample(impulse, rate, target, method).astype(float)
    assert np.argmax(made) == target
    around = made[target - 200 : target + 201]
    assert np.allclose(around, around[::-1], atol=2e-4 * around.max())  # linear phase


def test_a_band_pass_keeps_its_band_without_delay_and_removes_the_rest() -> None:
    for hertz in (300, 500, 1000, 2000, 3400):
        assert abs(amplitude(keep_band(sine(hertz, 8000), 8000, 300, 3400), hertz, 8000)) < 0.1
    for hertz in (50, 100, 3600, 3800):
        assert amplitude(keep_band(sine(hertz, 8000), 8000, 300, 3400), hertz, 8000) < -55
    impulse = np.zeros(8000, np.float32)
    impulse[4000] = 1
    made = keep_band(impulse, 8000, 300, 3400)
    assert len(made) == 8000
    assert np.argmax(made) == 4000
