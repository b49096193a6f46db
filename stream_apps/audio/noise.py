"""How noisy is it, without a reference; and RNNoise, which makes it less so."""

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
from stream_apps.audio.resample import resample
from stream_apps.audio.samples import FULL_SCALE, Samples, decibels

WINDOW = 0.032  # seconds of one spectrum
BAND = 250.0  # Hz
QUIETEST = 0.02  # share of the spectra, in each band, that must be noise alone
CLEAN = 60.0  # dB; what is cleaner is called this
NEIGHBOURS = (
    2  # spectra on both sides of digital silence that may hold a part of it, or a fade into it
)
ENOUGH = (
    1.0  # seconds of sound beside digital silence; in less there may be no moment without speech
)
ALONE = 0.1  # share of its spectra that must be noise alone; 0.05 at most in clean speech that reads under 24 dB, 0.15 at least at 16 dB
ROUNDING = 1 / 12 / FULL_SCALE**2  # the power of int16's own noise

RNNOISE_RATE = 48_000  # Hz
FRAME = 480  # samples
LATENCY = 960  # samples of RNNoise's output behind its input, measured
LEFT = 0.15  # of the noise's amplitude, −16 dB: at 10 dB SNR 0.2 to 0.5 dB of SI-SDR better than none, and no holes between words

Powers = npt.NDArray[np.float64]


def estimate_snr(samples: Samples, rate: int) -> float:
    """dB, speech over noise, −20 … CLEAN; both as mean powers between the first and the last sound that is over the noise.

    Noise is what is left in each band in its quietest moments (after R. Martin's minimum statistics, 2001): steady noise is
    estimated well; a voice in the background has quiet moments of its own, and counts for about 6 dB less than it is. Digital
    silence, with which segments are joined, tells nothing of the noise between, and is left out of both; beside it, noise of
    25 dB or more reads up to 5 dB too loud, or cannot be told from quiet speech, and is CLEAN then.
    """
    frames = _frames(samples, rate)
    sounding = _sounding(frames)
    power = _band_powers(frames[sounding], rate)
    if not len(power):
        return CLEAN
    floor = _noise(power)
    if len(power) < len(frames) and (
        len(power) * _hop(rate) < ENOUGH * rate or _alone(power, floor) < ALONE
    ):
        return CLEAN  # the pauses, in which noise is heard, are the digital silence: what is left may all be speech
    noise, total = float(floor.sum()), power.sum(axis=1)
    loud = np.flatnonzero(total > max(4 * noise, np.quantile(total, 0.95) / 1000))
    if not len(loud):
        return -20.0
    heard = total[loud[0] : loud[-1] + 1].mean()
    return min(CLEAN, max(-20.0, decibels((heard - noise) / max(noise, ROUNDING))))


def suppress(samples: Samples, rate: int) -> Samples:
    """(samples,) with less noise by RNNoise, of the same length and not shifted. Raises LocalResource where the library is not there."""
    wide = resample(samples, rate, RNNOISE_RATE)
    frames = -(-(len(wide) + LATENCY) // FRAME)
    buffer = np.zeros(frames * FRAME, np.float32)
    buffer[: len(wide)] = wide
    buffer *= np.float32(FULL_SCALE)  # as it was trained
    _process(buffer)
    clean = buffer[LATENCY : LATENCY + len(wide)] * np.float32((1 - LEFT) / FULL_SCALE)
    return resample(clean, RNNOISE_RATE, rate)[: len(samples)] + samples * np.float32(LEFT)


def _size(rate: int) -> int:
    """Samples of one spectrum."""
    return int(fft.next_fast_len(round(WINDOW * rate), real=True))


def _hop(rate: int) -> int:
    return _size(rate) // 2


def _frames(samples: Samples, rate: int) -> Samples:
    """(spectra, size): a view."""
    size = _size(rate)
    if len(samples) < size:
        return np.zeros((0, size), np.float32)
    return np.lib.stride_tricks.sliding_window_view(samples, size)[:: _hop(rate)]


def _sounding(frames: Samples) -> npt.NDArray[np.bool_]:
    """(spectra,): False in and beside digital silence, which an offset may have moved from zero."""
    silent = np.ptp(frames, axis=1) == 0
    sounding: npt.NDArray[np.bool_] = (
        ~ndimage.maximum_filter1d(silent, 2 * NEIGHBOURS + 1) if silent.any() else ~silent
    )
    return sounding


def _band_powers(frames: Samples, rate: int) -> Powers:
    """(spectra, bands): mean squares, so that they add up to the signal's power."""
    size = frames.shape[1]
    window = np.hanning(size).astype(np.float32)
    spectrum = np.abs(fft.rfft(frames * window, axis=1)) ** 2
    width = max(1, round(BAND * size / rate))
    bands: Powers = np.add.reduceat(
        spectrum[:, 1:], np.arange(0, spectrum.shape[1] - 1, width), axis=1, dtype=np.float64
    )
    return np.asarray(bands * 2 / (size * np.square(window).sum()), np.float64)


def _noise(power: Powers) -> Powers:
    """(bands,). Gaussian noise has a χ²-distributed power in a band, so a low quantile of it tells the mean."""
    freedom = 2 * BAND * WINDOW / 1.5  # neighbouring bins of a Hann window are not independent
    return np.asarray(
        np.quantile(power, QUIETEST, axis=0) / (stats.chi2.ppf(QUIETEST, freedom) / freedom),
        np.float64,
    )


def _alone(power: Powers, floor: Powers) -> float:
    """Share of the spectra that are near the floor in nine bands of ten at once. Speech is loud in a few, and quiet in others at other times."""
    return float(np.mean((power < 4 * floor).mean(axis=1) >= 0.9))


@cache
def _library() -> ctypes.CDLL:
    """RNNoise as `pyrnnoise` brings it. The package itself is not imported: it loads a media framework, and works frame by frame in NumPy."""
    found = find_spec("pyrnnoise")
    folders = found.submodule_search_locations or [] if found else []
    for folder in folders:
        for file in sorted(Path(folder).glob("*rnnoise.*")):
            if file.suffix in (".so", ".dylib", ".dll"):
                return _declared(ctypes.CDLL(str(file)))
    raise LocalResource(
        "RNNoise",
        expected="its library in the package pyrnnoise",
        got="none",
        remedy="run `make setup`",
    )


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    library.rnnoise_create.argtypes, library.rnnoise_create.restype = (
        [ctypes.c_void_p],
        ctypes.c_void_p,
    )
    library.rnnoise_destroy.argtypes, library.rnnoise_destroy.restype = [ctypes.c_void_p], None
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p] * 3
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


def _process(buffer: Samples) -> None:
    """(frames · FRAME,) in place, from a fresh state: no copies, and no Python object a frame."""
    process, address, step = (
        _library().rnnoise_process_frame,
        buffer.ctypes.data,
        FRAME * buffer.itemsize,
    )
    with _state() as state:
        for frame in range(address, address + buffer.nbytes, step):
            process(state, frame, frame)
