"""The recordings: espeak speech in both languages and several voices, with silence at both ends."""

from dataclasses import dataclass

import numpy as np

from seedcast.gpu_consumers.engines.espeak.engine import spoken
from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.waveforms import Waveform, encode_flac

TEXTS = (
    "Good evening, Anna. Your order of seven items has left our house and arrives tomorrow between"
    " nine and eleven; please have somebody at home.",
    "您好，王先生，您本月的电费账单为三百二十六元五角，请于本月二十八日之前缴纳，以免产生滞纳金，"
    "感谢您的配合。",
)


@dataclass(frozen=True)
class Recording:
    waveform: Waveform  # (samples,)
    rate: int  # Hz
    flac: bytes

    @property
    def seconds(self) -> float:
        return len(self.waveform) / self.rate


def recordings(count: int, snr: float | None = None) -> list[Recording]:
    """Return recordings of about 10 s each; with white noise at `snr` dB if it is given."""
    return [_recording(number, snr) for number in range(count)]


def _recording(number: int, snr: float | None) -> Recording:
    speech = spoken(TEXTS[number % len(TEXTS)], seed=number).astype(float)
    lead, tail = np.zeros(round(0.3 * SAMPLE_RATE)), np.zeros(round(0.5 * SAMPLE_RATE))
    samples = np.concatenate([lead, speech, tail])
    if snr is not None:
        noise = np.random.default_rng(number).standard_normal(len(samples))
        power = np.mean((speech * 0.5) ** 2) / 10 ** (snr / 10)
        samples = samples * 0.5 + noise * np.sqrt(power)
    waveform = np.clip(np.rint(samples), -32767, 32767).astype("<i2")
    return Recording(waveform, SAMPLE_RATE, encode_flac(waveform, SAMPLE_RATE))
