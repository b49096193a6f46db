"""The process that speaks (see process.py), and who asks it.

A process of its own, so that memory stays flat and the same text gets the same bytes after any
other.
"""

import atexit
import json
import subprocess
import sys
from threading import Lock
from typing import BinaryIO, cast

import espeakng_loader
import numpy as np

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.espeak import process as program
from seedcast.gpu_consumers.engines.espeak.ideographs import Ideographs
from seedcast.gpu_consumers.engines.espeak.process import (
    LENGTH,
    NO_VOICE,
    NOT_STARTED,
    SAMPLE_RATE,
    Job,
)
from seedcast.gpu_consumers.engines.espeak.ssml import Speech, to_ssml
from seedcast.gpu_consumers.engines.espeak.voices import Voice
from seedcast.gpu_consumers.longest_speech import LONGEST
from seedcast.gpu_consumers.text.tokens import Reading
from seedcast.waveforms import Waveform


def speech_of(reading: Reading) -> Speech:
    """Return what espeak is told for a reading. Raises EngineFailed."""
    return to_ssml(reading, _ideographs.unread_in(reading.spoken))


def speak(speech: Speech, voice: Voice, longest: int = LONGEST) -> Waveform:
    """Return one utterance: (samples,) int16 at SAMPLE_RATE. Raises EngineFailed.

    Synthesis of a longer text stops a little after `longest` seconds.
    """
    return np.frombuffer(_speaker.answer_to(_job(speech, voice, longest)), dtype="<i2")


def phonemes(speech: Speech) -> str:
    """Return what espeak says, in its own names of phonemes, a clause a line.

    Raises EngineFailed.
    """
    voice = Voice("m3", pitch=50, range=50, rate=170)
    job = _job(speech, voice, phonemes=True)
    return _speaker.answer_to(job).decode().strip()


def _job(speech: Speech, voice: Voice, longest: int = LONGEST, *, phonemes: bool = False) -> Job:
    return Job(
        ssml=speech.ssml,
        voice=f"{speech.language}+{voice.variant}",
        rate=voice.rate,
        pitch=voice.pitch,
        range=voice.range,
        samples=(longest + 1) * SAMPLE_RATE,
        phonemes=phonemes,
    )


class _Speaker:
    """The process that speaks; it starts with the first job. Threads take turns."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def answer_to(self, job: Job) -> bytes:
        with self._turn:
            # Kept only after a whole answer: one cut short, as by Ctrl-C, would reach the next job.
            process, self._process = self._process or _start(), None
            answer = _ask(process, json.dumps(job).encode() + b"\n")
            if answer is None:
                raise _ended(process, job["voice"])
            self._process = process
            return answer

    def close(self) -> None:
        with self._turn:
            if self._process:
                self._process.communicate()
                self._process = None


_speaker = _Speaker()
atexit.register(_speaker.close)
_ideographs = Ideographs(lambda mandarin: phonemes(Speech("cmn", mandarin)))


def _start() -> "subprocess.Popen[bytes]":
    """Ctrl-C is for who asks, who may have an utterance to finish: so a session of its own."""
    script = (program.__file__, espeakng_loader.get_library_path())
    return subprocess.Popen(
        [sys.executable, "-I", "-S", *script, espeakng_loader.get_data_path()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _ask(process: "subprocess.Popen[bytes]", line: bytes) -> bytes | None:
    """Return the answer; None if the process has ended."""
    jobs, answers = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
    try:
        jobs.write(line)
        jobs.flush()
    except BrokenPipeError:
        return None
    head = answers.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    answer = answers.read(length := LENGTH.unpack(head)[0])
    return answer if len(answer) == length else None


def _ended(process: "subprocess.Popen[bytes]", voice: str) -> EngineFailed:
    process.communicate()  # closes the pipes, too
    status = process.returncode
    reasons = {NOT_STARTED: "does not start", NO_VOICE: f"has no voice {voice}"}
    if reason := reasons.get(status):
        return EngineFailed(f"espeak-ng {reason}", remedy="reinstall espeakng-loader")
    return EngineFailed(
        "the process of espeak-ng ended", got=f"exit status {status}", remedy="start again"
    )
