"""espeak-ng in process: no weights and no GPU, and people understand its speech.

The library keeps state between utterances (flutter, echo, gain control, random breath), so the same
text would get other bytes after another utterance. Each utterance therefore gets a freshly loaded
library with seeded random numbers: 5 ms per utterance, 780 × real time (measured).
"""

import _ctypes
import ctypes
import hashlib
import platform
from collections import deque
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import espeakng_loader
import numpy as np

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.engines.fingerprint import fingerprint
from seedcast.schemas.messages import RequestError, SpeechRequest
from seedcast.waveforms import Waveform

SAMPLE_RATE = 22_050  # Hz, fixed by espeak-ng's voice data
MAX_SECONDS = 300
REVISION = 1  # part of the fingerprint: raise it when the mapping from seeds to voices changes

TOO_LONG = RequestError(
    code="text_too_long",
    message=f"expected at most {MAX_SECONDS} s of speech, got more; split the text",
)
SILENT = RequestError(
    code="nothing_to_speak",
    message="expected speech, got silence; the voice has no sound for these characters",
)

# espeak_PARAMETER and flags of speak_lib.h
_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: synthesise inside the call, pass samples to the callback
_UTF8 = 1  # plain text: neither SSML nor [[phonemes]]
_RATE, _PITCH, _RANGE = 1, 3, 4
_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@dataclass(frozen=True)
class Voice:
    """The espeak parameters that a voice seed and a speed select."""

    variant: str
    pitch: int  # 0–100, espeak's scale
    range: int  # 0–100, espeak's scale
    rate: int  # words per minute


def voice_of(seed: int, speed: float = 1.0) -> Voice:
    """Return the voice of a seed; hashing spreads seeds evenly, so neighbouring seeds differ."""
    digest = hashlib.sha256(seed.to_bytes(8, "little")).digest()
    return Voice(
        variant=_VARIANTS[digest[0] % len(_VARIANTS)],
        pitch=40 + digest[1] % 21,
        range=40 + digest[2] % 31,
        rate=round((155 + digest[3] % 31) * speed),
    )


def language_of(text: str) -> str:
    """Return `cmn` if the text has an ideograph, since Mandarin also reads embedded Latin words."""
    return "cmn" if any(map(_is_ideograph, text)) else "en-us"


def _is_ideograph(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or character >= "\U00020000"


class EspeakEngine:
    """Each step finishes the oldest utterance: espeak-ng has no batch to fill."""

    sample_rate = SAMPLE_RATE

    def __init__(self, slots: int) -> None:
        self.slots = self.capacity = slots
        self.facts = _facts()
        self.fingerprint = fingerprint(self.facts)
        self.description = f"espeak on the CPU, {slots} slots, fingerprint {self.fingerprint}"
        self._queue: deque[tuple[int, SpeechRequest]] = deque()

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        self._queue.append((ticket, request))

    def step(self) -> list[Utterance]:
        if not self._queue:
            return []
        ticket, request = self._queue.popleft()
        waveform = speak(request.text, voice_of(request.voice_seed, request.speed))
        if len(waveform) > MAX_SECONDS * SAMPLE_RATE:
            return [Utterance(ticket, None, TOO_LONG)]
        if not waveform.any():
            return [Utterance(ticket, None, SILENT)]
        return [Utterance(ticket, waveform)]

    def close(self) -> None:
        self._queue.clear()


def speak(text: str, voice: Voice) -> Waveform:
    """Return one utterance: (samples,) int16 at SAMPLE_RATE. Raises EngineFailed.

    Synthesis of a longer text stops a little after MAX_SECONDS.
    """
    chunks: list[bytes] = []
    remaining = (MAX_SECONDS + 1) * SAMPLE_RATE

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: object) -> int:
        nonlocal remaining
        remaining -= count
        if count > 0:
            chunks.append(ctypes.string_at(samples, count * 2))
        return int(remaining < 0)  # non-zero stops the synthesis

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        _synthesise(library, text, voice, _Callback(collect))
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)
    return np.frombuffer(b"".join(chunks), dtype="<i2")


def _synthesise(library: ctypes.CDLL, text: str, voice: Voice, callback: object) -> None:
    data_path = espeakng_loader.get_data_path().encode()
    if library.espeak_Initialize(_SYNCHRONOUS, 0, data_path, 1) != SAMPLE_RATE:
        raise EngineFailed(
            "espeak-ng does not start",
            expected=f"a sample rate of {SAMPLE_RATE} Hz",
            remedy="reinstall espeakng-loader",
        )
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    library.espeak_SetSynthCallback(callback)
    name = f"{language_of(text)}+{voice.variant}"
    if library.espeak_SetVoiceByName(name.encode()) != 0:
        raise EngineFailed(f"espeak-ng has no voice {name}", remedy="reinstall espeakng-loader")
    for parameter, value in ((_RATE, voice.rate), (_PITCH, voice.pitch), (_RANGE, voice.range)):
        library.espeak_SetParameter(parameter, value, 0)
    encoded = text.encode()
    library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded) + 1), 0, 0, 0, _UTF8, None, None)


@cache
def _facts() -> dict[str, object]:
    """Return what the fingerprint hashes; `data` covers the library and its voice files."""
    data = hashlib.sha256()
    folder = Path(espeakng_loader.get_data_path())
    for file in [Path(espeakng_loader.get_library_path()), *sorted(folder.rglob("*"))]:
        if file.is_file():
            data.update(file.name.encode() + b"\0" + file.read_bytes())
    return {
        "engine": "espeak",
        "revision": REVISION,
        "package": version("espeakng-loader"),
        "data": data.hexdigest(),
        "machine": platform.machine(),
        "libc": platform.libc_ver(),
    }
