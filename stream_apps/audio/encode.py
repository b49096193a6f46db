"""Encodes samples as a file in memory.

The same samples give the same bytes, in any thread and any process.
"""

import io
from collections.abc import Callable
from typing import cast

import av
import numpy as np
import soundfile

from seedcast.catalog.profiles import Format, Profile
from seedcast.stream_apps.audio.samples import Samples, to_int16
from seedcast.waveforms import encode_flac

CONTENT_TYPE: dict[Format, str] = {
    "wav-pcm16": "audio/wav",
    "wav-ulaw": "audio/wav",
    "wav-alaw": "audio/wav",
    "flac": "audio/flac",
    "ogg-opus": "audio/ogg",
    "mp3": "audio/mpeg",
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


def _encode_wav(samples: Samples, profile: Profile, dither: bool) -> bytes:
    return _encode_by_libsndfile(samples, profile, "PCM_16", dither)


def _encode_flac(samples: Samples, profile: Profile, dither: bool) -> bytes:
    return encode_flac(to_int16(samples, dither=dither), profile.sample_rate)


def _g711_encoder(subtype: str) -> Callable[[Samples, Profile, bool], bytes]:
    """Return an encoder without dither: the steps of G.711 are far over those of 16 bits."""
    return lambda samples, profile, _: _encode_by_libsndfile(
        samples, profile, subtype, dither=False
    )


def _encode_opus(samples: Samples, profile: Profile, _: bool) -> bytes:
    """Encode Ogg Opus, whose container says where the last packet's padding begins.

    The length is therefore exact. Everything that is encoded here is speech: `voip` spends the
    bits on what a voice needs (`benchmarks/opus.py`).
    """
    options = BITEXACT | {
        "application": "voip",
        "compression_level": str(profile.complexity),
    }
    return _encode_by_ffmpeg(samples, profile, "ogg", BITEXACT_FILE, "libopus", "flt", options)


def _encode_mp3(samples: Samples, profile: Profile, _: bool) -> bytes:
    """Encode MP3 whose Xing header holds the encoder's delay and padding.

    Players therefore give the exact length, except that for one length in twelve they give up to
    48 samples more.
    """
    file_options, samples = BITEXACT_FILE | NO_TAGS, samples / np.float32(LAME_SCALE)
    return _encode_by_ffmpeg(samples, profile, "mp3", file_options, "libmp3lame", "fltp", BITEXACT)


def _encode_by_libsndfile(samples: Samples, profile: Profile, subtype: str, dither: bool) -> bytes:
    """Encode from int16: libsndfile rounds float in its own ways, and clips without an error."""
    buffer = io.BytesIO()
    waveform = to_int16(samples, dither=dither)
    soundfile.write(buffer, waveform, profile.sample_rate, format="WAV", subtype=subtype)
    return buffer.getvalue()


def _encode_by_ffmpeg(
    samples: Samples,
    profile: Profile,
    container_format: str,
    file_options: dict[str, str],
    codec: str,
    sample_format: str,
    options: dict[str, str],
) -> bytes:
    """Encode from float: neither codec works in int16, so nothing is rounded before it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container_format, container_options=file_options) as container:
        stream = cast(
            av.AudioStream,
            container.add_stream(codec, rate=profile.sample_rate, layout="mono", options=options),
        )
        stream.bit_rate, stream.format = profile.bitrate, sample_format
        frame = _frame(samples, profile.sample_rate, sample_format)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


def _frame(samples: Samples, rate: int, sample_format: str) -> av.AudioFrame:
    planes = np.ascontiguousarray(samples).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(planes, format=sample_format, layout="mono")
    frame.sample_rate, frame.pts = rate, 0
    return frame


_ENCODERS: dict[Format, Callable[[Samples, Profile, bool], bytes]] = {
    "wav-pcm16": _encode_wav,
    "wav-ulaw": _g711_encoder("ULAW"),
    "wav-alaw": _g711_encoder("ALAW"),
    "flac": _encode_flac,
    "ogg-opus": _encode_opus,
    "mp3": _encode_mp3,
}
