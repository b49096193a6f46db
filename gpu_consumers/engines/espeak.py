"""espeak-ng in process: no weights, no GPU, understood by ear.

The library keeps state between utterances (flutter, echo, gain control, random breath), so that the
same text would come out with other bytes after another one. Each utterance therefore gets the
library freshly loaded, and its random numbers seeded: measured at 5 ms an utterance, 780 × real time.
"""

import _ctypes
import ctypes
import hashlib
import json
import platform
from collections import deque
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import espeakng_loader
import numpy as np

from gpu_consumers.engines import Utterance
from schemas.messages import RequestError, SpeechRequest
from seedcast.codec import Waveform
from seedcast.errors import EngineFailed

SAMPLE_RATE = 22_050  # Hz, fixed by espeak-ng's voice data
MAX_SECONDS = 300
REVISION = 1  # raise it when the mapping below changes: it is part of the fingerprint

_SYNCHRONOUS = (
    2  # espeak_AUDIO_OUTPUT: synthesise inside the call, hand the samples to the callback
)
_UTF8 = 1  # plain text: neither SSML nor [[phonemes]]
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@dataclass(frozen=True)
class Voice:
    """What a seed stands for."""

    variant: str
    pitch: int  # 0–100, espeak's scale
    range: int  # 0–100, espeak's scale
    rate: int  # words a minute


def voice_of(seed: int, speed: float = 1.0) -> Voice:
    """Spreads seeds evenly over voices by hashing, so that neighbouring seeds differ."""
    digest = hashlib.sha256(seed.to_bytes(8, "little")).digest()
    rate = round((155 + digest[3] % 31) * speed)
    return Voice(
        _VARIANTS[digest[0] % len(_VARIANTS)], 40 + digest[1] % 21, 40 + digest[2] % 31, rate
    )


def language_of(text: str) -> str:
    """Mandarin reads embedded Latin words too, so one ideograph decides."""
    return (
        "cmn"
        if any("\u3400" <= character <= "\u9fff" or character >= "\U00020000" for character in text)
        else "en-us"
    )


class EspeakEngine:
    """One step finishes the utterance that waited longest: espeak-ng has no batch to fill."""

    sample_rate = SAMPLE_RATE

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.facts = _facts()
        self.fingerprint = (
            "espeak-"
            + hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode()).hexdigest()[:32]
        )
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
            return [
                Utterance(
                    ticket,
                    None,
                    RequestError(
                        code="text_too_long",
                        message=f"expected at most {MAX_SECONDS} s of speech, got more; split the text",
                    ),
                )
            ]
        if not waveform.any():
            return [
                Utterance(
                    ticket,
                    None,
                    RequestError(
                        code="nothing_to_speak",
                        message="expected speech, got silence; the voice has no sound for these characters",
                    ),
                )
            ]
        return [Utterance(ticket, waveform)]

    def close(self) -> None:
        self._queue.clear()


def speak(text: str, voice: Voice) -> Waveform:
    """One utterance; a little over MAX_SECONDS where the text is longer. Raises EngineFailed."""
    chunks: list[bytes] = []
    left = (MAX_SECONDS + 1) * SAMPLE_RATE

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: object) -> int:
        nonlocal left
        left -= count
        if count > 0:
            chunks.append(ctypes.string_at(samples, count * 2))
        return int(left < 0)  # non-zero stops the synthesis

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        _synthesise(library, text, voice, _Callback(collect))
    finally:
        library.espeak_Terminate()
        _ctypes.dlclose(library._handle)
    return np.frombuffer(b"".join(chunks), dtype="<i2")


def _synthesise(library: ctypes.CDLL, text: str, voice: Voice, callback: object) -> None:
    if (
        library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 1)
        != SAMPLE_RATE
    ):
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
