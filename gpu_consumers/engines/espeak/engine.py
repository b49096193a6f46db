"""The engine that speaks with espeak-ng."""

import hashlib
import platform
from collections import deque
from functools import cache
from importlib.metadata import version
from pathlib import Path

import espeakng_loader

from seedcast.errors import InvalidRequest
from seedcast.gpu_consumers.engines import Utterance
from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.gpu_consumers.engines.espeak.speaker import speak, speech_of
from seedcast.gpu_consumers.engines.espeak.voices import voice_of
from seedcast.gpu_consumers.engines.fingerprint import fingerprint
from seedcast.gpu_consumers.longest_speech import LONGEST
from seedcast.gpu_consumers.text.reader import Reader
from seedcast.schemas.messages import RequestError, SpeechRequest
from seedcast.waveforms import Waveform

REVISION = 2  # part of the fingerprint: raise it when a reading or a seed is spoken otherwise

SILENT = RequestError(
    code="nothing_to_speak",
    message="expected speech, got silence; the voice has no sound for these characters",
)


def too_long(longest: int) -> RequestError:
    """Return the error of an utterance whose synthesis was stopped after `longest` seconds."""
    return RequestError(
        code="text_too_long",
        message=f"expected at most {longest} s of speech, got more; split the text",
    )


class EspeakEngine:
    """Each step finishes the oldest utterance: espeak-ng has no batch to fill."""

    sample_rate = SAMPLE_RATE

    def __init__(self, slots: int, reader: Reader | None = None, longest: int = LONGEST) -> None:
        """`longest`: seconds of speech that an utterance may take."""
        self.slots = self.capacity = slots
        self._longest = longest
        self._reader = reader or Reader()
        self.facts = {**_facts(), "reader": self._reader.version}
        self.fingerprint = fingerprint(self.facts)
        self.description = f"espeak on the CPU, {slots} slots, fingerprint {self.fingerprint}"
        self._queue: deque[tuple[int, SpeechRequest]] = deque()

    def admit(self, ticket: int, request: SpeechRequest) -> None:
        self._queue.append((ticket, request))

    def step(self) -> list[Utterance]:
        return [self._utterance(*self._queue.popleft())] if self._queue else []

    def _utterance(self, ticket: int, request: SpeechRequest) -> Utterance:
        try:
            reading = self._reader.read(
                request.text, request.text_format or "plain", request.locale or None
            )
        except InvalidRequest as error:
            return Utterance(ticket, None, RequestError(code=error.code, message=str(error)))
        speech = speech_of(reading)
        voice = voice_of(request.voice_seed, request.speed)
        waveform = speak(speech, voice, self._longest)
        if len(waveform) > self._longest * SAMPLE_RATE:
            return Utterance(ticket, None, too_long(self._longest))
        if not waveform.any():
            return Utterance(ticket, None, SILENT, unspoken=speech.unspoken)
        return Utterance(ticket, waveform, unspoken=speech.unspoken)

    def close(self) -> None:
        self._queue.clear()


def spoken(text: str, seed: int, speed: float = 1.0) -> Waveform:
    """Return what an engine without a lexicon speaks: (samples,) int16 at SAMPLE_RATE.

    Raises EngineFailed.
    """
    return speak(speech_of(Reader().read(text)), voice_of(seed, speed))


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
