"""Decoders of other makers, two for each format: what they read is what a device would play."""

import io
from collections.abc import Callable

import av
import G722
import numpy as np
import numpy.typing as npt
import soundfile

from seedcast.catalog.formats import Format

Read = tuple[npt.NDArray[np.float64], int]  # (samples,) and the rate in Hz
RAW = {"raw-ulaw": ("mulaw", "ULAW"), "raw-alaw": ("alaw", "ALAW"), "raw-s16": ("s16le", "PCM_16")}


def decoders(format_: Format, rate: int) -> dict[str, Callable[[bytes], Read]]:
    """Return two decoders by name; a headerless file is read at `rate` Hz."""
    match format_:
        case "raw-ulaw" | "raw-alaw" | "raw-s16":
            demuxer, subtype = RAW[format_]
            return {
                "ffmpeg": lambda data: by_ffmpeg(data, demuxer, rate),
                "libsndfile": lambda data: by_libsndfile(data, rate, subtype),
            }
        case "g722":
            return {"ffmpeg": lambda data: by_ffmpeg(data, "g722"), "libg722": by_libg722}
        case "m4a-aac":
            return {
                "ffmpeg": by_ffmpeg,
                "ffmpeg, fixed point": lambda data: by_ffmpeg(data, codec="aac_fixed"),
            }
        case "webm-opus":
            return {"ffmpeg": by_ffmpeg, "libsndfile": lambda data: by_libsndfile(as_ogg(data))}
        case _:
            return {"ffmpeg": by_ffmpeg, "libsndfile": by_libsndfile}


def by_ffmpeg(
    data: bytes, demuxer: str | None = None, rate: int | None = None, codec: str = ""
) -> Read:
    options = {"sample_rate": str(rate)} if rate else {}
    with av.open(io.BytesIO(data), "r", format=demuxer, options=options) as container:
        [stream] = container.streams
        assert stream.type == "audio"
        context = av.CodecContext.create(codec, "r") if codec else stream.codec_context
        if codec:
            context.extradata = stream.codec_context.extradata
        to_double = av.AudioResampler(format="dblp")
        frames = [
            part
            for packet in container.demux(stream)
            for frame in context.decode(packet)
            for part in to_double.resample(frame)
        ]
        samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
        assert len(samples) == 1  # channel
        return samples[0], int(stream.rate)


def by_libsndfile(data: bytes, rate: int | None = None, subtype: str | None = None) -> Read:
    told = {"samplerate": rate, "channels": 1, "format": "RAW", "subtype": subtype} if rate else {}
    samples, read_rate = soundfile.read(io.BytesIO(data), **told)
    assert samples.ndim == 1
    return samples, read_rate


def by_libg722(data: bytes) -> Read:
    samples = G722.G722(16_000, 64_000).decode(data)
    return np.asarray(samples) / 32768, 16_000


def as_ogg(webm: bytes) -> bytes:
    """Return the same packets of Opus in Ogg."""
    buffer = io.BytesIO()
    with av.open(io.BytesIO(webm), "r") as source, av.open(buffer, "w", format="ogg") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return buffer.getvalue()
