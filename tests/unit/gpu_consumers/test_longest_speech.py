"""The longest speech follows from the largest record, and five minutes need no other setting."""

import numpy as np
import pytest

from seedcast.gpu_consumers.longest_speech import LONGEST, longest_speech, waveform_room
from seedcast.schemas.topics import AUDIO_BYTES, MIB, REQUESTS
from seedcast.settings import KafkaSettings
from seedcast.waveforms import encode_flac


@pytest.mark.parametrize(
    ("record_bytes", "sample_rate", "seconds"),
    [
        (MIB, 22_050, 22),
        (MIB, 24_000, 20),
        (8 * MIB, 24_000, 173),
        (AUDIO_BYTES, 24_000, LONGEST),
        (2 * AUDIO_BYTES, 24_000, LONGEST),
        (2 * AUDIO_BYTES, 48_000, LONGEST),
    ],
)
def test_the_longest_speech_follows_from_the_record(
    record_bytes: int, sample_rate: int, seconds: int
) -> None:
    assert longest_speech(record_bytes, sample_rate) == seconds


@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("spare", [0, 512, 1024, 4096, 8192])
def test_the_longest_speech_fits_even_as_noise(sample_rate: int, spare: int) -> None:
    room = 20 * sample_rate * 2 + spare  # bytes: where FLAC's own matter
    record_bytes = room + MIB - waveform_room(MIB)
    samples = longest_speech(record_bytes, sample_rate) * sample_rate
    noise = np.random.default_rng(1).integers(-(2**15), 2**15, samples).astype("<i2")
    assert room - 2 * sample_rate - 4096 < len(encode_flac(noise, sample_rate)) <= room


def test_by_default_five_minutes_fit_beside_the_largest_request() -> None:
    default = KafkaSettings().max_record_bytes
    assert longest_speech(default - REQUESTS.max_bytes, 24_000) == LONGEST
