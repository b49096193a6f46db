"""espeak-ng on the CPU: no weights and no GPU, and people understand its speech.

A process beside this one speaks (see espeak_process.py), so that memory stays flat and the same
text gets the same bytes after any other.
"""

import atexit
import hashlib
import json
import platform
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast

import espeakng_loader
import numpy as np

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines import Utterance, espeak_process
from seedcast.gpu_consumers.engines.espeak_process import (
    LENGTH,
    NO_VOICE,
    NOT_STARTED,
    SAMPLE_RATE,
    Job,
)
from seedcast.gpu_consumers.engines.fingerprint import fingerprint
from seedcast.schemas.messages import RequestError, SpeechRequest
from seedcast.waveforms import Waveform

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

_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")


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
    job = Job(
        text=text,
        voice=f"{language_of(text)}+{voice.variant}",
        rate=voice.rate,
        pitch=voice.pitch,
        range=voice.range,
        samples=(MAX_SECONDS + 1) * SAMPLE_RATE,
    )
    return np.frombuffer(_speaker.samples_of(job), dtype="<i2")


class _Speaker:
    """The process that speaks; it starts with the first job. Threads take turns."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def samples_of(self, job: Job) -> bytes:
        with self._turn:
            # Kept only after a whole answer: one cut short, as by Ctrl-C, would reach the next job.
            process, self._process = self._process or _start(), None
            samples = _ask(process, json.dumps(job).encode() + b"\n")
            if samples is None:
                raise _ended(process, job["voice"])
            self._process = process
            return samples

    def close(self) -> None:
        with self._turn:
            if self._process:
                self._process.communicate()
                self._process = None


_speaker = _Speaker()
atexit.register(_speaker.close)


def _start() -> "subprocess.Popen[bytes]":
    """Ctrl-C is for who asks, who may have an utterance to finish: so a session of its own."""
    program = (espeak_process.__file__, espeakng_loader.get_library_path())
    return subprocess.Popen(
        [sys.executable, "-I", "-S", *program, espeakng_loader.get_data_path()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _ask(process: "subprocess.Popen[bytes]", line: bytes) -> bytes | None:
    """Return the samples; None if the process has ended."""
    jobs, answers = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
    try:
        jobs.write(line)
        jobs.flush()
    except BrokenPipeError:
        return None
    head = answers.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    samples = answers.read(length := LENGTH.unpack(head)[0])
    return samples if len(samples) == length else None


def _ended(process: "subprocess.Popen[bytes]", voice: str) -> EngineFailed:
    process.communicate()  # closes the pipes, too
    status = process.returncode
    reasons = {NOT_STARTED: "does not start", NO_VOICE: f"has no voice {voice}"}
    if reason := reasons.get(status):
        return EngineFailed(f"espeak-ng {reason}", remedy="reinstall espeakng-loader")
    return EngineFailed(
        "the process of espeak-ng ended", got=f"exit status {status}", remedy="start again"
    )


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
