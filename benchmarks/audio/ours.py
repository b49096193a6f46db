"""Seedcast's chain, step by step as `process` takes them, and whole over processes."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import msgspec

from benchmarks.audio.corpus import Recording, recordings
from benchmarks.audio.steps import Steps
from seedcast.catalog import profiles
from seedcast.catalog.profiles import Profile
from seedcast.codec import decode_flac
from seedcast.settings import PostprocessSettings
from stream_apps.audio.band import keep_band
from stream_apps.audio.chain import render_all
from stream_apps.audio.encode import encode
from stream_apps.audio.limiter import compress
from stream_apps.audio.loudness import level
from stream_apps.audio.process import process
from stream_apps.audio.resample import resample
from stream_apps.audio.source import Source
from stream_apps.audio.trim import cut

TABLE = profiles.load(PostprocessSettings())


def render(flac: bytes, profile: Profile, steps: Steps) -> bytes:
    """The same as `process` and `encode`, with a clock between; the caller checks that the bytes are the same."""
    with steps("decode"):
        waveform, rate = decode_flac(flac)
        source = Source.of(waveform, rate)
    samples = source.samples
    if profile.trim == "auto":
        with steps("trim"):
            edges = source.speech(profile.speech)
    with steps("SNR"):
        noisy = profile.denoise == "on" or (source.noisy(profile.snr) and profile.denoise == "auto")
    if noisy:
        with steps("denoise"):
            samples = source.denoised
    if profile.trim == "auto":
        with steps("trim"):
            samples = cut(
                source.centred if not noisy else samples, rate, edges, profile.padding, profile.fade
            )[0]
    with steps("resample"):
        samples = resample(samples, rate, profile.sample_rate, profile.resampler)
    with steps("band, dynamics"):
        samples = (
            keep_band(samples, profile.sample_rate, *profile.band) if profile.band else samples
        )
        samples = (
            compress(samples, profile.sample_rate, profile.compression)
            if profile.compression > 1
            else samples
        )
    with steps("level"):
        target, ceiling = (
            value if not isinstance(value, str) else None
            for value in (profile.loudness, profile.true_peak)
        )
        samples, _ = level(samples, profile.sample_rate, target, ceiling)
    with steps("encode"):
        return encode(samples, profile, dither=samples is not source.samples)


def check(recording: Recording, profile: Profile) -> None:
    """That what is timed is what is shipped."""
    source = Source.of(recording.waveform, recording.rate)
    made = process(source, profile)
    assert render(recording.flac, profile, Steps()) == encode(
        made.samples, profile, dither=made.changed
    )


def throughput(processes: int, names: list[str], seconds: float) -> float:
    """Audio seconds a second over `processes` at once, each rendering the same profiles of its own clips."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_work, [names] * processes, [0.5] * processes))  # imports, models, plans
        return sum(pool.map(_work, [names] * processes, [seconds] * processes))


def _work(names: list[str], seconds: float) -> float:
    clips, done, began = recordings(6), 0.0, time.perf_counter()
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        for clip in clips:
            waveform, rate = decode_flac(clip.flac)
            render_all(waveform, rate, [TABLE[name] for name in names])
            done += clip.seconds
    return done / took


def forced(profile: Profile) -> Profile:
    return msgspec.structs.replace(profile, denoise="on")
