"""The program that speaks: espeak-ng in a process that does nothing else, one fork per utterance.

espeak-ng cannot be reset. Flutter, echo, gain control and the dictionaries of embedded languages
live in variables that no call of its interface reaches, and `espeak_Terminate` frees neither its
list of voices (2 KB) nor those dictionaries (183 KB for a Latin word in a Mandarin text). So this
process loads and prepares the library once and speaks nothing. Each utterance is spoken by a fork
of it, which starts from that one state, whatever was spoken before, and whose end frees all.

It runs as a script of its own and imports the standard library alone: a fork must not meet
another thread, and costs by the size of what is forked.
"""

import contextlib
import ctypes
import json
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypedDict

SAMPLE_RATE = 22_050  # Hz, fixed by espeak-ng's voice data
LENGTH = struct.Struct("<Q")  # bytes of samples that follow
NOT_STARTED, NO_VOICE = 3, 4  # exit statuses

# espeak_PARAMETER and flags of speak_lib.h
_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: synthesise inside the call, pass samples to the callback
_UTF8, _SSML, _PHONEMES = 0x1, 0x10, 0x100  # _PHONEMES: [[…]] in the text
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_MNEMONICS = 1  # phonememode: espeak's names of phonemes, one clause a line
_HEADROOM = 75  # % of the volume: at 100 the gain control turns the loudest voices down and up
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Job(TypedDict):
    """One line of JSON: what to speak, and how."""

    ssml: str
    voice: str  # espeak's language and variant: cmn+f2
    rate: int
    pitch: int
    range: int
    samples: int  # synthesis stops a little after so many
    phonemes: bool  # answer with the phonemes that are spoken, in UTF-8, and not with samples


def serve(library_path: str, data_path: str, jobs: BinaryIO, answers: BinaryIO) -> int:
    """Answer each line of jobs, in order. Return an exit status.

    The end of `jobs` is the end of who asks, so there is nothing else to listen to.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    library = ctypes.CDLL(library_path)
    if library.espeak_Initialize(_SYNCHRONOUS, 0, data_path.encode(), 1) != SAMPLE_RATE:
        return NOT_STARTED
    library.espeak_ListVoices(None)  # 7 ms; without it each fork reads every voice file
    for line in jobs:
        if status := _in_a_fork(library, line, answers):
            return status
    return 0


def _in_a_fork(library: ctypes.CDLL, line: bytes, answers: BinaryIO) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        # espeak writes "No envelope" there, for some syllable in a hundred texts.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        try:
            status = _answer(library, json.loads(line), answers)
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code  # as a shell tells a signal


def _answer(library: ctypes.CDLL, job: Job, answers: BinaryIO) -> int:
    chunks: list[bytes] = []
    phonemes: list[bytes] = []
    callback = _Callback(_collector(chunks, job["samples"]))
    with contextlib.ExitStack() as stack:
        if job["phonemes"]:
            stack.enter_context(_trace(library, phonemes))
        if not _synthesise(library, job, callback):
            return NO_VOICE
    answer = phonemes if job["phonemes"] else chunks
    answers.write(LENGTH.pack(sum(map(len, answer))))
    answers.writelines(answer)
    answers.flush()
    return 0


@contextlib.contextmanager
def _trace(library: ctypes.CDLL, phonemes: list[bytes]) -> Iterator[None]:
    """Let espeak write the phonemes that it speaks, and append them at the end.

    It takes a stream of C, which is one in memory: a disk may be full.
    """
    libc = ctypes.CDLL(None)
    libc.open_memstream.restype = ctypes.c_void_p
    libc.fclose.argtypes = [ctypes.c_void_p]
    start, size = ctypes.c_void_p(), ctypes.c_size_t()
    stream = libc.open_memstream(ctypes.byref(start), ctypes.byref(size))
    library.espeak_SetPhonemeTrace(_MNEMONICS, ctypes.c_void_p(stream))
    yield
    library.espeak_SetPhonemeTrace(0, None)
    libc.fclose(stream)
    phonemes.append(ctypes.string_at(start, size.value))


def _collector(
    chunks: list[bytes], remaining: int
) -> "Callable[[ctypes._Pointer[ctypes.c_short], int, object], int]":
    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: object) -> int:
        nonlocal remaining
        remaining -= count
        if count > 0:
            chunks.append(ctypes.string_at(samples, count * 2))
        return int(remaining < 0)  # non-zero stops the synthesis

    return collect


def _synthesise(library: ctypes.CDLL, job: Job, callback: object) -> bool:
    """Speak into the callback; False if there is no such voice."""
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(job["voice"].encode()) != 0:
        return False
    parameters = (
        (_RATE, job["rate"]),
        (_VOLUME, _HEADROOM),
        (_PITCH, job["pitch"]),
        (_RANGE, job["range"]),
    )
    for parameter, value in parameters:
        library.espeak_SetParameter(parameter, value, 0)
    text, flags = job["ssml"].encode(), _UTF8 | _SSML | _PHONEMES
    library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 0, 0, flags, None, None)
    return True


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1], sys.argv[2], sys.stdin.buffer, sys.stdout.buffer))
