"""A waveform as a file in memory. The same waveform gives the same bytes, in any thread and any process."""

import io
from collections.abc import Callable

import av
import soundfile

from seedcast.codec import Waveform, encode_flac
from seedcast.profiles import Format, Profile

CONTENT_TYPE: dict[Format, str] = {"wav-pcm16": "audio/wav", "wav-ulaw": "audio/wav", "flac": "audio/flac", "ogg-opus": "audio/ogg"}
BITEXACT = {"flags": "+bitexact"}  # no encoder's name in the stream
BITEXACT_FILE = {"fflags": "+bitexact"}  # a stream serial that is counted; libsndfile draws a random one


def encode(waveform: Waveform, profile: Profile) -> bytes:
    """(samples,) int16 mono at the profile's rate. Raises what the library raises."""
    return _ENCODERS[profile.format](waveform, profile)


def _wav(subtype: str) -> Callable[[Waveform, Profile], bytes]:
    def encode_wav(waveform: Waveform, profile: Profile) -> bytes:
        buffer = io.BytesIO()
        soundfile.write(buffer, waveform, profile.sample_rate, format="WAV", subtype=subtype)
        return buffer.getvalue()

    return encode_wav


def _opus(waveform: Waveform, profile: Profile) -> bytes:
    """The container says where the padding of the last packet begins, so the length is exact."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg", container_options=BITEXACT_FILE) as container:
        stream = container.add_stream("libopus", rate=profile.sample_rate, layout="mono", options=BITEXACT)
        stream.bit_rate = profile.bitrate
        frame = av.AudioFrame.from_ndarray(waveform.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = profile.sample_rate, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


_ENCODERS: dict[Format, Callable[[Waveform, Profile], bytes]] = {
    "wav-pcm16": _wav("PCM_16"),
    "wav-ulaw": _wav("ULAW"),
    "flac": lambda waveform, profile: encode_flac(waveform, profile.sample_rate),
    "ogg-opus": _opus,
}
