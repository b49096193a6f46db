"""What a listener gets for Opus's bits: `python -m benchmarks.opus FOLDER… [--bitrates 32000]`.

Each FOLDER of recordings (WAV, FLAC or Ogg, of one voice) becomes one clip of about 10 s at 24 kHz.
It is levelled as for `phone`, encoded, decoded, and compared with what was encoded, at 16 kHz.

PESQ (ITU-T P.862.2) and STOI are in no lock: install `pesq` and `pystoi` into an environment of
your own, because the first is compiled there.
"""

import argparse
import io
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soundfile
from pesq import pesq
from pystoi import stoi

from seedcast.stream_apps.audio.loudness import level
from seedcast.stream_apps.audio.resample import resample

RATE, HEARD = 24_000, 16_000  # Hz; PESQ-WB and STOI hear the second
SECONDS, GAP = 10.0, 0.2
SETTINGS = (("audio", 5), ("voip", 5), ("voip", 7), ("voip", 8), ("voip", 10), ("audio", 10))
RUNS = 3  # of the encoder, for its time
Signal = npt.NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.opus", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--bitrates", type=int, nargs="+", default=[32_000])
    options = parser.parse_args()
    clips = [level(clip(folder), RATE, -19, -2)[0] for folder in options.folders]
    print("| bits/s | application, complexity | PESQ-WB | STOI | kbit/s | ms of CPU per s |")
    print("|---:|---|---:|---:|---:|---:|")
    for bitrate, (application, complexity) in itertools.product(options.bitrates, SETTINGS):
        rows = [measure(each, bitrate, application, complexity) for each in clips]
        score, intelligible, size, cpu = np.mean(rows, axis=0)
        print(
            f"| {bitrate:,} | {application}, {complexity} | {score:.2f} | {intelligible:.4f}"
            f" | {size:.1f} | {cpu:.1f} |"
        )


def clip(folder: Path) -> Signal:
    """Return (samples,) of the folder's first recordings, with gaps between them."""
    parts: list[Signal] = []
    for path in sorted(
        path for path in folder.iterdir() if path.suffix in (".wav", ".flac", ".ogg")
    ):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        parts += [resample(samples.mean(axis=1), rate, RATE), np.zeros(round(GAP * RATE), "f4")]
        if sum(map(len, parts)) > SECONDS * RATE:
            break
    return np.concatenate(parts)


def measure(samples: Signal, bitrate: int, application: str, complexity: int) -> tuple[float, ...]:
    """Return PESQ-WB, STOI, kbit/s, and milliseconds of CPU per second of audio."""
    began = time.thread_time()
    for _ in range(RUNS):
        written = encode(samples, bitrate, application, complexity)
    seconds = len(samples) / RATE
    cpu = (time.thread_time() - began) / RUNS / seconds
    decoded, rate = soundfile.read(io.BytesIO(written), dtype="float32")
    before, after = resample(samples, RATE, HEARD), resample(decoded, rate, HEARD)
    both = before[: len(after)], after[: len(before)]
    heard = pesq(HEARD, *both, "wb"), stoi(*both, HEARD)
    return *heard, len(written) * 8 / seconds / 1000, cpu * 1000


def encode(samples: Signal, bitrate: int, application: str, complexity: int) -> bytes:
    buffer = io.BytesIO()
    options = {"application": application, "compression_level": str(complexity)}
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE, layout="mono", options=options)
        stream.bit_rate, stream.format = bitrate, "flt"
        for packet in packets(stream, samples):
            container.mux(packet)
    return buffer.getvalue()


def packets(stream: av.AudioStream, samples: Signal) -> Iterator["av.Packet[av.AudioStream]"]:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    yield from stream.encode(frame)
    yield from stream.encode(None)


if __name__ == "__main__":
    main()
