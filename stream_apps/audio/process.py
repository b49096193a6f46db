"""The steps between waveform and encoder, in their order, and what each of them did."""

from dataclasses import dataclass

from seedcast.catalog.profiles import Profile
from stream_apps.audio.band import keep_band
from stream_apps.audio.limiter import compress
from stream_apps.audio.loudness import Levelled, level
from stream_apps.audio.pauses import shorten_pauses
from stream_apps.audio.resample import Method, filter_of, resample
from stream_apps.audio.samples import Samples
from stream_apps.audio.source import Source
from stream_apps.audio.trim import Edges, Trimmed, cut


@dataclass(frozen=True)
class Processed:
    samples: Samples  # (samples,) at the profile's rate
    changed: bool  # False where every bit of the waveform was kept
    trimmed: Trimmed
    snr: float  # dB, of the waveform as it came
    denoised: bool
    resampler: Method | None  # None at the same rate
    level: Levelled


def process(source: Source, profile: Profile) -> Processed:
    """Noise goes before the cut, so that RNNoise hears the noise alone first; loudness comes last, since every other step changes it. Raises InvalidRequest."""
    edges = (
        None if profile.trim == "off" else source.speech(profile.speech)
    )  # first: without speech there is nothing else to do
    denoised = profile.denoise == "on" or (profile.denoise == "auto" and source.noisy(profile.snr))
    samples = source.denoised if denoised else source.samples
    samples, trimmed = (
        (samples, Trimmed()) if edges is None else _trimmed(source, samples, edges, profile)
    )
    samples = resample(samples, source.rate, profile.sample_rate, profile.resampler)
    if profile.band:
        samples = keep_band(samples, profile.sample_rate, *profile.band)
    if profile.compression > 1:
        samples = compress(samples, profile.sample_rate, profile.compression)
    samples, levelled = level(
        samples, profile.sample_rate, _number(profile.loudness), _number(profile.true_peak)
    )
    resampler = filter_of(source.rate, profile.sample_rate, profile.resampler)
    return Processed(
        samples, samples is not source.samples, trimmed, source.snr, denoised, resampler, levelled
    )


def _trimmed(
    source: Source, samples: Samples, edges: Edges, profile: Profile
) -> tuple[Samples, Trimmed]:
    samples = source.centred if samples is source.samples else samples
    kept, trimmed = cut(samples, source.rate, edges, profile.padding, profile.fade)
    if profile.max_pause is None:
        return kept, trimmed
    shorter, pauses = shorten_pauses(kept, source.rate, profile.max_pause, profile.speech)
    return shorter, Trimmed(trimmed.lead, trimmed.tail, pauses)


def _number(value: float | str) -> float | None:
    return None if isinstance(value, str) else value
