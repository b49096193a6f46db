"""Encodes samples as a file in memory.

The same samples give the same bytes, in any thread and any process.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
import soundfile

from seedcast.catalog.formats import HAS_BITRATE, Format
from seedcast.catalog.profiles import Profile
from seedcast.stream_apps.audio.samples import Samples, to_int16
from seedcast.waveforms import encode_flac

CONTENT_TYPE: dict[Format, str] = {
    "wav-pcm16": "audio/wav",
    "wav-ulaw": "audio/wav",
    "wav-alaw": "audio/wav",
    "raw-ulaw": "audio/ulaw",  # as Twilio fetches it; no registered type is in use
    "raw-alaw": "audio/PCMA",
    "raw-s16": "application/octet-stream",  # audio/L16 would be big-endian
    "g722": "audio/G722",
    "flac": "audio/flac",
    "ogg-opus": "audio/ogg",
    "webm-opus": "audio/webm",
    "mp3": "audio/mpeg",
    "m4a-aac": "audio/mp4",
}
BITEXACT = {"flags": "+bitexact"}  # no encoder's name in the stream
# Stream serials count up from a fixed number; libsndfile draws a random one.
BITEXACT_FILE = {"fflags": "+bitexact"}
NO_TAGS = {"id3v2_version": "0", "write_id3v1": "0"}
LAME_SCALE = 0.95  # what LAME multiplies its input by at each of these bitrates, −0.45 dB


def encode(samples: Samples, profile: Profile, *, dither: bool) -> bytes:
    """Encode (samples,) at the profile's rate.

    `dither` is for samples that were changed since they were int16. Raises whatever the library
    raises.
    """
    return _ENCODERS[profile.format](samples, profile, dither)


def _pcm_encoder(container: str) -> Callable[[Samples, Profile, bool], bytes]:
    return lambda samples, profile, dither: _encode_by_libsndfile(
        samples, profile, container, "PCM_16", dither
    )


def _g711_encoder(container: str, subtype: str) -> Callable[[Samples, Profile, bool], bytes]:
    """Return an encoder without dither: the steps of G.711 are far over those of 16 bits."""
    return lambda samples, profile, _: _encode_by_libsndfile(
        samples, profile, container, subtype, dither=False
    )


def _encode_flac(samples: Samples, profile: Profile, dither: bool) -> bytes:
    return encode_flac(to_int16(samples, dither=dither), profile.sample_rate)


def _encode_g722(samples: Samples, profile: Profile, _: bool) -> bytes:
    """Encode (samples,), even in number, without dither: the codec's own noise is far over it."""
    codec = _Codec("adpcm_g722", "s16")
    return _encode_by_ffmpeg(to_int16(samples, dither=False), profile, "g722", {}, codec)


def _opus_encoder(container: str) -> Callable[[Samples, Profile, bool], bytes]:
    """Return an encoder for Ogg or WebM, which say where the last packet's padding begins.

    The length is therefore exact. Everything that is encoded here is speech: `voip` spends the
    bits on what a voice needs (`benchmarks/opus.py`).
    """

    def encode_opus(samples: Samples, profile: Profile, _: bool) -> bytes:
        options = {"application": "voip", "compression_level": str(profile.complexity)}
        codec = _Codec("libopus", "flt", options)
        return _encode_by_ffmpeg(samples, profile, container, {}, codec)

    return encode_opus


def _encode_mp3(samples: Samples, profile: Profile, _: bool) -> bytes:
    """Encode MP3 whose Xing header holds the encoder's delay and padding.

    Players therefore give the exact length, except that for one length in twelve they give up to
    48 samples more.
    """
    louder = samples / np.float32(LAME_SCALE)
    return _encode_by_ffmpeg(louder, profile, "mp3", NO_TAGS, _Codec("libmp3lame", "fltp"))


def _encode_aac(samples: Samples, profile: Profile, _: bool) -> bytes:
    """Encode AAC-LC in M4A, whose edit list holds the encoder's delay and the exact length.

    Without a time scale of its own, that list would count in milliseconds.
    """
    exact = {"movie_timescale": str(profile.sample_rate)}
    return _encode_by_ffmpeg(samples, profile, "ipod", exact, _Codec("aac", "fltp"))


def _encode_by_libsndfile(
    samples: Samples, profile: Profile, container: str, subtype: str, dither: bool
) -> bytes:
    """Encode from int16: libsndfile rounds float in its own ways, and clips without an error."""
    buffer = io.BytesIO()
    waveform = to_int16(samples, dither=dither)
    soundfile.write(
        buffer, waveform, profile.sample_rate, format=container, subtype=subtype, endian="LITTLE"
    )
    return buffer.getvalue()


@dataclass(frozen=True)
class _Codec:
    name: str
    sample_format: str
    options: dict[str, str] = field(default_factory=dict)


def _encode_by_ffmpeg(
    samples: npt.NDArray[Any],
    profile: Profile,
    container_format: str,
    file_options: dict[str, str],
    codec: _Codec,
) -> bytes:
    """Encode (samples,) of the codec's format; those of float are not rounded before it."""
    buffer, rate = io.BytesIO(), profile.sample_rate
    file_options = BITEXACT_FILE | file_options
    with av.open(buffer, "w", format=container_format, container_options=file_options) as container:
        stream = cast(
            av.AudioStream,
            container.add_stream(
                codec.name, rate=rate, layout="mono", options=BITEXACT | codec.options
            ),
        )
        if profile.format in HAS_BITRATE:
            stream.bit_rate = profile.bitrate
        stream.format = codec.sample_format
        frame = _frame(samples, rate, codec.sample_format)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


def _frame(samples: npt.NDArray[Any], rate: int, sample_format: str) -> av.AudioFrame:
    planes = np.ascontiguousarray(samples).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(planes, format=sample_format, layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    return frame


_ENCODERS: dict[Format, Callable[[Samples, Profile, bool], bytes]] = {
    "wav-pcm16": _pcm_encoder("WAV"),
    "wav-ulaw": _g711_encoder("WAV", "ULAW"),
    "wav-alaw": _g711_encoder("WAV", "ALAW"),
    "raw-ulaw": _g711_encoder("RAW", "ULAW"),
    "raw-alaw": _g711_encoder("RAW", "ALAW"),
    "raw-s16": _pcm_encoder("RAW"),
    "g722": _encode_g722,
    "flac": _encode_flac,
    "ogg-opus": _opus_encoder("ogg"),
    "webm-opus": _opus_encoder("webm"),
    "mp3": _encode_mp3,
    "m4a-aac": _encode_aac,
}
