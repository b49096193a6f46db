"""One waveform, and what several profiles ask of it, worked out once."""

from functools import cached_property

import numpy as np

from seedcast.codec import Waveform
from seedcast.errors import InvalidRequest
from stream_apps.audio import noise, trim
from stream_apps.audio.samples import Samples, from_int16
from stream_apps.audio.trim import Edges

OFFSET = 0.002  # of full scale; from this on a constant is a fault that would cost headroom, and not the waveform's own mean
TELLING = 1.0  # seconds; a shorter clip may have no moment without speech, and then no noise can be told from it


class Source:
    """Belongs to one request and one thread."""

    def __init__(self, samples: Samples, rate: int) -> None:
        """(samples,) float32, finite. Raises InvalidRequest (render_error)."""
        if samples.ndim != 1 or not len(samples) or not np.isfinite(samples).all():
            got = (
                f"shape {samples.shape}"
                if samples.ndim != 1 or not len(samples)
                else "samples that are not numbers"
            )
            raise InvalidRequest(
                "render_error",
                "waveform",
                expected="mono, at least one sample, all finite",
                got=got,
            )
        self.samples, self.rate = samples, rate
        self._speech: dict[float, Edges | None] = {}

    @classmethod
    def of(cls, waveform: Waveform, rate: int) -> "Source":
        return cls(from_int16(waveform), rate)

    @cached_property
    def centred(self) -> Samples:
        """Without a constant offset."""
        offset = self.samples.mean(dtype=np.float64)
        return self.samples if abs(offset) < OFFSET else self.samples - np.float32(offset)

    @cached_property
    def snr(self) -> float:
        """dB."""
        return noise.estimate_snr(self.centred, self.rate)

    def noisy(self, limit: float) -> bool:
        """Whether the SNR is surely under `limit` dB."""
        return self.snr < limit and len(self.samples) >= TELLING * self.rate

    @cached_property
    def denoised(self) -> Samples:
        return noise.suppress(self.centred, self.rate)

    def speech(self, threshold: float) -> Edges:
        """Raises InvalidRequest (no_speech); with a threshold of 0 everything that sounds is speech."""
        if threshold not in self._speech:
            self._speech[threshold] = trim.find_speech(self.centred, self.rate, threshold)
        if (edges := self._speech[threshold]) is None:
            raise InvalidRequest(
                "no_speech",
                "waveform",
                expected=f"speech, with a probability of {threshold:g} in two windows of 32 ms",
                got=f"{len(self.samples) / self.rate:.2f} s without any",
                remedy='a profile with trim = "off" takes it as it is',
            )
        return edges
