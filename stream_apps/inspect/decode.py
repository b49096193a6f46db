"""Decodes audio files: by libsndfile, and by ffmpeg what that does not read."""

import io
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soundfile

from seedcast.catalog.formats import Headerless
from seedcast.errors import InvalidInput
from seedcast.stream_apps.audio.samples import Samples, from_int16, power_to_db

SIXTEEN_BITS = ("PCM_16", "ULAW", "ALAW")  # libsndfile's names of what decodes to int16
SUBTYPE = {"raw-ulaw": "ULAW", "raw-alaw": "ALAW", "raw-s16": "PCM_16"}
READABLE = (
    "audio as WAV, FLAC, Ogg, MP3, M4A or WebM, or headerless with the ending .ulaw, .alaw, .sln,"
    " .sln16 or .g722"
)


@dataclass(frozen=True)
class Clip:
    samples: Samples  # (samples,)
    rate: int  # Hz
    channels: int = 1  # of the file, mixed to one
    mixed: float = 0.0  # dB that mixing changed the level by; −inf if the channels cancel out

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def decode(data: bytes, name: str, headerless: Headerless | None = None) -> Clip:
    """Decode an audio file, with its channels mixed to one.

    Samples of 16 bits become what the chain makes of a waveform. Raises InvalidInput about `name`.
    """
    try:
        if headerless and headerless.format == "g722":
            return _decode_by_ffmpeg(data, "g722")
        try:
            return _decode_by_libsndfile(data, headerless)
        except soundfile.LibsndfileError:
            return _decode_by_ffmpeg(data)
    except (av.FFmpegError, IndexError) as error:  # an index: there is no audio stream
        got = str(error) if isinstance(error, av.FFmpegError) else "a file without audio"
        if isinstance(error, av.InvalidDataError):
            got = "no audio that is known"
        raise InvalidInput(name, expected=READABLE, got=got) from error


def _decode_by_libsndfile(data: bytes, headerless: Headerless | None) -> Clip:
    told: dict[str, Any] = {}
    if headerless:
        told = {"format": "RAW", "subtype": SUBTYPE[headerless.format], "endian": "LITTLE"}
        told |= {"samplerate": headerless.rate, "channels": 1}
    with soundfile.SoundFile(io.BytesIO(data), **told) as file:
        is_int16, rate = file.subtype in SIXTEEN_BITS, int(file.samplerate)
        samples = file.read(dtype="int16" if is_int16 else "float32", always_2d=True)
    return _mix(from_int16(samples) if is_int16 else samples, rate)


def _decode_by_ffmpeg(data: bytes, container_format: str | None = None) -> Clip:
    """Decode the first audio stream.

    ffmpeg cuts the encoder's delay; of MP4's edit list it leaves what lies behind its end.
    """
    to_float = av.AudioResampler(format="fltp")
    with av.open(io.BytesIO(data), "r", format=container_format) as container:
        stream = container.streams.audio[0]
        frames = [part for frame in container.decode(stream) for part in to_float.resample(frame)]
        rate, length = int(stream.rate), None
        if "mp4" in container.format.name and stream.duration and stream.time_base:
            length = round(stream.duration * stream.time_base * rate)
    planes = [frame.to_ndarray() for frame in frames]
    whole = np.concatenate(planes, axis=1).T if planes else np.zeros((0, 1))
    return _mix(whole[:length].astype(np.float32), rate)


def _mix(samples: npt.NDArray[np.float32], rate: int) -> Clip:
    """Return the mean of (samples, channels)."""
    mono = samples.mean(axis=1)
    if samples.shape[1] == 1 or not samples.any():
        return Clip(mono, rate, samples.shape[1])
    power = np.mean(np.square(samples, dtype=np.float64))
    change = power_to_db(float(np.mean(np.square(mono, dtype=np.float64)) / power))
    return Clip(mono, rate, samples.shape[1], change)
