"""Waveforms: 16-bit samples, their hash, and FLAC, as which they travel.

It loads NumPy and soundfile, which nobody needs who submits a list or reads results.
"""

import hashlib
import io
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from seedcast.errors import Undecodable

Waveform = npt.NDArray[np.int16]  # (samples,), mono, little-endian

MAX_SAMPLES = 3600 * 48_000  # an hour at 48 kHz, as long as the longest text takes


def quantise(samples: npt.NDArray[np.floating[Any]]) -> tuple[Waveform, int]:
    """Converts floats from -1 to 1 to int16: clip(x) · 32767, rounded half to even.

    Returns the waveform, and the number of samples that were clipped.
    """
    clipped = int(np.count_nonzero(np.abs(samples) > 1.0))
    return np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2"), clipped


def pcm(waveform: Waveform) -> bytes:
    return waveform.astype("<i2", copy=False).tobytes()


def waveform_sha256(waveform: Waveform) -> str:
    return hashlib.sha256(pcm(waveform)).hexdigest()


def encode_flac(waveform: Waveform, sample_rate: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def decode_flac(flac: bytes) -> tuple[Waveform, int]:
    """Return the waveform and its sample rate in Hz. Raises Undecodable."""
    try:
        with soundfile.SoundFile(io.BytesIO(flac)) as file:
            _check_flac_header(file)
            return file.read(dtype="int16"), file.samplerate
    except soundfile.LibsndfileError as error:
        # str(error) contains a memory address, so it would differ each time.
        raise Undecodable("waveform is not FLAC", got=error.error_string) from error


def _check_flac_header(file: soundfile.SoundFile) -> None:
    """Raises Undecodable before memory is allocated: a damaged header may claim any length."""
    if file.channels != 1:
        raise Undecodable("waveform is not mono", expected="1 channel", got=str(file.channels))
    if file.frames > MAX_SAMPLES:
        expected, got = f"at most {MAX_SAMPLES:,} samples", f"{file.frames:,}"
        raise Undecodable("waveform is too long", expected=expected, got=got)
