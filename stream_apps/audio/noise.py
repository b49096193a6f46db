"""Estimates how noisy speech is without a reference, and suppresses noise by RNNoise."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage, stats

from seedcast.errors import LocalResource
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.samples import FULL_SCALE, Samples, power_to_db

WINDOW = 0.032  # seconds of one spectrum
BAND = 250.0  # Hz
QUIETEST = 0.02  # share of the spectra, in each band, that must be noise alone
CLEAN = 60.0  # dB; the result for anything cleaner
# Spectra on both sides of digital silence that may hold a part of it, or a fade into it.
NEIGHBOURS = 2
# Seconds of sound needed beside digital silence; in less there may be no moment without speech.
ENOUGH_SOUND = 1.0
# Share of the spectra beside digital silence that must be noise alone. Clean speech that reads
# under 24 dB has 0.05 at most; speech at 16 dB has 0.15 at least.
NOISE_ONLY_SHARE = 0.1
ROUNDING = 1 / 12 / FULL_SCALE**2  # the power of int16's own noise

RNNOISE_RATE = 48_000  # Hz
FRAME = 480  # samples
LATENCY = 960  # samples by which RNNoise's output is late (measured)
# Share of the noise's amplitude that is left, −16 dB. At 10 dB SNR this gives 0.2 to 0.5 dB more
# SI-SDR than leaving none, and no holes between words.
RESIDUE = 0.15

Powers = npt.NDArray[np.float64]


def estimate_snr(samples: Samples, rate: int) -> float:
    """Return the ratio of speech to noise in dB, −20 … CLEAN.

    Both are mean powers between the first and the last sound that is over the noise. The noise is
    what is left in each band in its quietest moments (after R. Martin's minimum statistics, 2001).

    - Steady noise is estimated well.
    - A voice in the background has quiet moments of its own, and hardly counts: the SNR beside one
      reads about 30 dB too high, beside six 5, beside slow traffic 8 to 11 (docs/guarantees.md).
    - Digital silence, with which segments are joined, tells nothing about the noise between, and
      is excluded from both powers. Beside it, an SNR of 25 dB or more reads up to 5 dB too low;
      where the noise cannot be told from quiet speech, the result is CLEAN.
    """
    frames = _frames(samples, rate)
    sounding = _sounding(frames)
    power = _band_powers(frames[sounding], rate)
    if not len(power):
        return CLEAN
    floor = _noise_floor(power)
    has_silence = len(power) < len(frames)
    if has_silence and not _shows_noise(power, floor, rate):
        return CLEAN
    noise, total = float(floor.sum()), power.sum(axis=1)
    loud = np.flatnonzero(total > max(4 * noise, np.quantile(total, 0.95) / 1000))
    if not len(loud):
        return -20.0
    speech_and_noise = total[loud[0] : loud[-1] + 1].mean()
    snr = power_to_db((speech_and_noise - noise) / max(noise, ROUNDING))
    return min(CLEAN, max(-20.0, snr))


def suppress(samples: Samples, rate: int) -> Samples:
    """Return (samples,) with less noise by RNNoise, of the same length and not shifted.

    Raises LocalResource if the library is missing.
    """
    wide = resample(samples, rate, RNNOISE_RATE)
    frames = -(-(len(wide) + LATENCY) // FRAME)
    buffer = np.zeros(frames * FRAME, np.float32)
    buffer[: len(wide)] = wide
    buffer *= np.float32(FULL_SCALE)  # the scale that RNNoise was trained with
    _suppress_in_place(buffer)
    clean = buffer[LATENCY : LATENCY + len(wide)] * np.float32((1 - RESIDUE) / FULL_SCALE)
    return resample(clean, RNNOISE_RATE, rate)[: len(samples)] + samples * np.float32(RESIDUE)


def _frame_size(rate: int) -> int:
    """Return the samples of one spectrum."""
    return int(fft.next_fast_len(round(WINDOW * rate), real=True))


def _hop(rate: int) -> int:
    return _frame_size(rate) // 2


def _frames(samples: Samples, rate: int) -> Samples:
    """Return a view: (spectra, size)."""
    size = _frame_size(rate)
    if len(samples) < size:
        return np.zeros((0, size), np.float32)
    return np.lib.stride_tricks.sliding_window_view(samples, size)[:: _hop(rate)]


def _sounding(frames: Samples) -> npt.NDArray[np.bool_]:
    """Return (spectra,): False in digital silence and beside it.

    An offset may have moved digital silence from zero.
    """
    silent = np.ptp(frames, axis=1) == 0
    if not silent.any():
        return np.asarray(~silent)
    return np.asarray(~ndimage.maximum_filter1d(silent, 2 * NEIGHBOURS + 1))


def _band_powers(frames: Samples, rate: int) -> Powers:
    """Return (spectra, bands): mean squares, so that they add up to the signal's power."""
    size = frames.shape[1]
    window = np.hanning(size).astype(np.float32)
    bins = fft.rfft(frames * window, axis=1)
    spectrum = bins.real**2 + bins.imag**2
    width = max(1, round(BAND * size / rate))
    band_starts = np.arange(0, spectrum.shape[1] - 1, width)
    bands: Powers = np.add.reduceat(spectrum[:, 1:], band_starts, axis=1, dtype=np.float64)
    return np.asarray(bands * 2 / (size * np.square(window).sum()), np.float64)


def _noise_floor(power: Powers) -> Powers:
    """Return (bands,): the mean power of the noise.

    Gaussian noise has a χ²-distributed power in a band, so a low quantile of it tells the mean.
    """
    freedom = 2 * BAND * WINDOW / 1.5  # neighbouring bins of a Hann window are not independent
    quantile_of_mean = stats.chi2.ppf(QUIETEST, freedom) / freedom
    return np.asarray(np.quantile(power, QUIETEST, axis=0) / quantile_of_mean, np.float64)


def _shows_noise(power: Powers, floor: Powers, rate: int) -> bool:
    """Return True if the sound beside digital silence has moments without speech.

    The pauses, in which noise can be measured, are digital silence: the rest may all be speech.
    """
    is_long = len(power) * _hop(rate) >= ENOUGH_SOUND * rate
    return is_long and _noise_only_share(power, floor) >= NOISE_ONLY_SHARE


def _noise_only_share(power: Powers, floor: Powers) -> float:
    """Return the share of the spectra that are near the floor in nine bands of ten at once.

    Speech is loud in a few bands, and quiet in others at other times.
    """
    return float(np.mean((power < 4 * floor).mean(axis=1) >= 0.9))


@cache
def _library() -> ctypes.CDLL:
    """Load RNNoise from the package `pyrnnoise`.

    The package itself is not imported: it loads a media framework, and works frame by frame in
    NumPy.
    """
    spec = find_spec("pyrnnoise")
    folders = spec.submodule_search_locations or [] if spec else []
    for folder in folders:
        for file in sorted(Path(folder).glob("*rnnoise.*")):
            if file.suffix in (".so", ".dylib", ".dll"):
                return _with_signatures(ctypes.CDLL(str(file)))
    raise LocalResource(
        "RNNoise",
        expected="its library in the package pyrnnoise",
        got="none",
        remedy="run `make setup`",
    )


def _with_signatures(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer = ctypes.c_void_p
    library.rnnoise_create.argtypes, library.rnnoise_create.restype = [pointer], pointer
    library.rnnoise_destroy.argtypes, library.rnnoise_destroy.restype = [pointer], None
    library.rnnoise_process_frame.argtypes = [pointer] * 3
    library.rnnoise_process_frame.restype = ctypes.c_float
    return library


@contextmanager
def _state() -> Iterator[int]:
    library = _library()
    state = library.rnnoise_create(None)
    try:
        yield state
    finally:
        library.rnnoise_destroy(state)


def _suppress_in_place(buffer: Samples) -> None:
    """Process (frames · FRAME,) from a fresh state, without a copy or a Python object per frame."""
    process, address = _library().rnnoise_process_frame, buffer.ctypes.data
    with _state() as state:
        for frame in range(address, address + buffer.nbytes, FRAME * buffer.itemsize):
            process(state, frame, frame)
