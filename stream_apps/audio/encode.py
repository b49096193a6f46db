"""Samples as a file in memory. The same samples give the same bytes, in any thread and any process."""

import io
from collections.abc import Callable
from typing import cast

import av
import numpy as np
import soundfile

from seedcast.catalog.profiles import Format, Profile
from seedcast.codec import encode_flac
from stream_apps.audio.samples import Samples, to_int16

CONTENT_TYPE: dict[Format, str] = {
    "wav-pcm16": "audio/wav",
    "wav-ulaw": "audio/wav",
    "wav-alaw": "audio/wav",
    "flac": "audio/flac",
    "ogg-opus": "audio/ogg",
    "mp3": "audio/mpeg",
}
BITEXACT = {"flags": "+bitexact"}  # no encoder's name in the stream
BITEXACT_FILE = {
    "fflags": "+bitexact"
}  # a stream serial that is counted; libsndfile draws a random one
NO_TAGS = {"id3v2_version": "0", "write_id3v1": "0"}


def encode(samples: Samples, profile: Profile, *, dither: bool) -> bytes:
    """(samples,) at the profile's rate; `dither` where they were changed since they were int16. Raises what the library raises."""
    return _ENCODERS[profile.format](samples, profile, dither)


def _wav(samples: Samples, profile: Profile, dither: bool) -> bytes:
    return _soundfile(samples, profile, "PCM_16", dither)


def _flac(samples: Samples, profile: Profile, dither: bool) -> bytes:
    return encode_flac(to_int16(samples, dither=dither), profile.sample_rate)


def _g711(subtype: str) -> Callable[[Samples, Profile, bool], bytes]:
    """Without dither: its own steps are far over those of 16 bits."""
    return lambda samples, profile, _: _soundfile(samples, profile, subtype, dither=False)


def _opus(samples: Samples, profile: Profile, _: bool) -> bytes:
    """The container says where the padding of the last packet begins, so the length is exact."""
    options = BITEXACT | {"compression_level": str(profile.complexity)}
    return _container(samples, profile, "ogg", BITEXACT_FILE, "libopus", "flt", options)


def _mp3(samples: Samples, profile: Profile, _: bool) -> bytes:
    """The Xing header holds the encoder's delay and padding, so that players give the exact length; in one length of twelve up to 48 samples more."""
    return _container(
        samples, profile, "mp3", BITEXACT_FILE | NO_TAGS, "libmp3lame", "fltp", BITEXACT
    )


def _soundfile(samples: Samples, profile: Profile, subtype: str, dither: bool) -> bytes:
    """From int16: libsndfile rounds float in its own ways, and clips in silence."""
    buffer = io.BytesIO()
    soundfile.write(
        buffer, to_int16(samples, dither=dither), profile.sample_rate, format="WAV", subtype=subtype
    )
    return buffer.getvalue()


def _container(
    samples: Samples,
    profile: Profile,
    name: str,
    file_options: dict[str, str],
    codec: str,
    sample_format: str,
    options: dict[str, str],
) -> bytes:
    """From float: neither codec works in int16, so nothing is rounded before it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=name, container_options=file_options) as container:
        stream = cast(
            av.AudioStream,
            container.add_stream(codec, rate=profile.sample_rate, layout="mono", options=options),
        )
        stream.bit_rate, stream.format = profile.bitrate, sample_format
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format=sample_format, layout="mono"
        )
        frame.sample_rate, frame.pts = profile.sample_rate, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


_ENCODERS: dict[Format, Callable[[Samples, Profile, bool], bytes]] = {
    "wav-pcm16": _wav,
    "wav-ulaw": _g711("ULAW"),
    "wav-alaw": _g711("ALAW"),
    "flac": _flac,
    "ogg-opus": _opus,
    "mp3": _mp3,
}
