"""One waveform, and what several profiles need to know of it, each computed once."""

from functools import cached_property
from math import inf

import numpy as np

from seedcast.errors import InvalidRequest
from seedcast.stream_apps.audio import noise, trim
from seedcast.stream_apps.audio.samples import Samples, from_int16
from seedcast.stream_apps.audio.trim import Edges
from seedcast.waveforms import Waveform

# Of full scale. From this on, a constant offset is a fault that would cost headroom; under it, it
# may be the waveform's own mean.
OFFSET = 0.002
# Seconds. A shorter clip may have no moment without speech, and then its noise cannot be measured.
MIN_SECONDS_FOR_SNR = 1.0
CLEAN_FROM = 30.0  # dB; from this SNR on, trimming cuts only silence


class Source:
    """Belongs to one request and one thread."""

    def __init__(self, samples: Samples, rate: int) -> None:
        """Take (samples,) float32, finite. Raises InvalidRequest: render_error."""
        is_mono = samples.ndim == 1 and len(samples) > 0
        if not is_mono or not np.isfinite(samples).all():
            raise InvalidRequest(
                "render_error",
                "waveform",
                expected="mono, at least one sample, all finite",
                got="samples that are not numbers" if is_mono else f"shape {samples.shape}",
            )
        self.samples, self.rate = samples, rate
        self._edges: dict[float, Edges | None] = {}  # by threshold

    @classmethod
    def of(cls, waveform: Waveform, rate: int) -> "Source":
        return cls(from_int16(waveform), rate)

    @cached_property
    def centred(self) -> Samples:
        """(samples,) without a constant offset."""
        offset = self.samples.mean(dtype=np.float64)
        return self.samples if abs(offset) < OFFSET else self.samples - np.float32(offset)

    @cached_property
    def snr(self) -> float:
        """The ratio of speech to noise in dB."""
        return noise.estimate_snr(self.centred, self.rate)

    def is_noisy(self, limit: float) -> bool:
        """Return True if the SNR is surely under `limit` dB."""
        return self._tells_noise and self.snr < limit

    @property
    def _tells_noise(self) -> bool:
        """Whether the clip is long enough to measure its noise."""
        return len(self.samples) >= MIN_SECONDS_FOR_SNR * self.rate

    @cached_property
    def denoised(self) -> Samples:
        """(samples,) with less noise."""
        return noise.suppress(self.centred, self.rate)

    def find_speech(self, threshold: float) -> Edges:
        """Return where speech begins and ends.

        With a threshold of 0 every sound is speech. Raises InvalidRequest: no_speech.
        """
        is_clean = not self.is_noisy(CLEAN_FROM)
        if threshold not in self._edges:
            self._edges[threshold] = trim.find_speech(
                self.centred,
                self.rate,
                threshold,
                is_clean=is_clean,
                snr=self.snr if self._tells_noise else inf,
            )
        if (edges := self._edges[threshold]) is None:
            raise InvalidRequest(
                "no_speech",
                "waveform",
                expected=f"sound for {trim.SOUND * 1000:g} ms"
                if is_clean
                else f"speech, with a probability of {threshold:g} in two windows of 32 ms",
                got=f"{len(self.samples) / self.rate:.2f} s without any",
                remedy='use a profile with trim = "off" to render it as it is',
            )
        return edges
