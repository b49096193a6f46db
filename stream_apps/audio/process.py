"""The steps between waveform and encoder, in their order, and what each of them did."""

from dataclasses import dataclass

import numpy as np

from seedcast.catalog.formats import HAS_EVEN_LENGTH
from seedcast.catalog.profiles import Profile
from seedcast.stream_apps.audio.band import keep_band
from seedcast.stream_apps.audio.limiter import compress
from seedcast.stream_apps.audio.loudness import Levelled, level
from seedcast.stream_apps.audio.pauses import shorten_pauses
from seedcast.stream_apps.audio.resample import Method, method_for, resample
from seedcast.stream_apps.audio.samples import Samples
from seedcast.stream_apps.audio.source import Source
from seedcast.stream_apps.audio.trim import Edges, Trimmed, cut


@dataclass(frozen=True)
class Processed:
    samples: Samples  # (samples,) at the profile's rate
    changed: bool  # False if every bit of the waveform was kept
    trimmed: Trimmed
    snr: float  # dB, of the waveform as it came
    denoised: bool
    resampler: Method | None  # None at the same rate
    level: Levelled


def process(source: Source, profile: Profile) -> Processed:
    """Take the samples of a source through the steps of a profile.

    Speech is found first: without it there is nothing else to do. Noise is suppressed before the
    cut, so that RNNoise hears the noise alone first. Loudness is set last, because every other
    step changes it.

    Raises InvalidRequest: no_speech.
    """
    edges = None if profile.trim == "off" else source.find_speech(profile.speech)
    denoised = _needs_denoising(source, profile)
    samples = source.denoised if denoised else source.samples
    trimmed = Trimmed()
    if edges is not None:
        samples, trimmed = _trim(source, samples, edges, profile)
    rate = profile.sample_rate
    samples = resample(samples, source.rate, rate, profile.resampler)
    if profile.band:
        samples = keep_band(samples, rate, *profile.band)
    if profile.compression > 1:
        samples = compress(samples, rate, profile.compression)
    loudness, ceiling = _number(profile.loudness), _number(profile.true_peak)
    samples, levelled = level(samples, rate, loudness, ceiling)
    samples = fill(samples, profile)
    return Processed(
        samples=samples,
        changed=samples is not source.samples,
        trimmed=trimmed,
        snr=source.snr,
        denoised=denoised,
        resampler=method_for(source.rate, rate, profile.resampler),
        level=levelled,
    )


def fill(samples: Samples, profile: Profile) -> Samples:
    """Return (samples,) with one of silence more, if the format needs an even number."""
    is_odd = profile.format in HAS_EVEN_LENGTH and len(samples) % 2
    return np.pad(samples, (0, 1)) if is_odd else samples


def _needs_denoising(source: Source, profile: Profile) -> bool:
    return profile.denoise == "on" or (profile.denoise == "auto" and source.is_noisy(profile.snr))


def _trim(
    source: Source, samples: Samples, edges: Edges, profile: Profile
) -> tuple[Samples, Trimmed]:
    samples = source.centred if samples is source.samples else samples
    kept, trimmed = cut(samples, source.rate, edges, profile.padding, profile.fade)
    if profile.max_pause is None:
        return kept, trimmed
    shorter, pauses = shorten_pauses(kept, source.rate, profile.max_pause, profile.speech)
    return shorter, Trimmed(trimmed.lead, trimmed.tail, pauses)


def _number(value: float | str) -> float | None:
    """Return a profile's value; None for a word such as "off"."""
    return None if isinstance(value, str) else value
