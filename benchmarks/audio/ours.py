"""Seedcast's chain: step by step in the order of `process`, and whole in several processes."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import msgspec

from benchmarks.audio.corpus import Recording, recordings
from benchmarks.audio.steps import Steps
from seedcast.catalog import profiles
from seedcast.catalog.profiles import Profile
from seedcast.settings import PostprocessSettings
from seedcast.stream_apps.audio.band import keep_band
from seedcast.stream_apps.audio.chain import render_all
from seedcast.stream_apps.audio.encode import encode
from seedcast.stream_apps.audio.limiter import compress
from seedcast.stream_apps.audio.loudness import level
from seedcast.stream_apps.audio.process import fill, process
from seedcast.stream_apps.audio.resample import resample
from seedcast.stream_apps.audio.source import Source
from seedcast.stream_apps.audio.trim import cut
from seedcast.waveforms import decode_flac

TABLE = profiles.load(PostprocessSettings())


def render(flac: bytes, profile: Profile, steps: Steps) -> bytes:
    """Do the same as `process` and `encode`, and time each step.

    `check` compares the bytes.
    """
    rate = profile.sample_rate
    with steps("decode"):
        waveform, source_rate = decode_flac(flac)
        source = Source.of(waveform, source_rate)
    samples = source.samples
    with steps("SNR"):
        is_noisy = source.is_noisy(profile.snr)
        denoised = profile.denoise == "on" or (is_noisy and profile.denoise == "auto")
    if profile.trim == "auto":
        with steps("trim"):
            edges = source.find_speech(profile.speech)
    if denoised:
        with steps("denoise"):
            samples = source.denoised
    if profile.trim == "auto":
        with steps("trim"):
            whole = samples if denoised else source.centred
            samples, _ = cut(whole, source_rate, edges, profile.padding, profile.fade)
    with steps("resample"):
        samples = resample(samples, source_rate, rate, profile.resampler)
    with steps("band, dynamics"):
        if profile.band:
            samples = keep_band(samples, rate, *profile.band)
        if profile.compression > 1:
            samples = compress(samples, rate, profile.compression)
    with steps("level"):
        loudness, ceiling = _number(profile.loudness), _number(profile.true_peak)
        samples = fill(level(samples, rate, loudness, ceiling)[0], profile)
    with steps("encode"):
        return encode(samples, profile, dither=samples is not source.samples)


def _number(value: float | str) -> float | None:
    return None if isinstance(value, str) else value


def check(recording: Recording, profile: Profile) -> None:
    """Check that the timed steps give the same bytes as the chain."""
    processed = process(Source.of(recording.waveform, recording.rate), profile)
    expected = encode(processed.samples, profile, dither=processed.changed)
    assert render(recording.flac, profile, Steps()) == expected


def throughput(processes: int, names: list[str], seconds: float) -> float:
    """Return the audio seconds per second of several processes at once.

    Each process renders the profiles `names` of its own clips.
    """
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_work, [names] * processes, [0.5] * processes))  # imports, models, plans
        return sum(pool.map(_work, [names] * processes, [seconds] * processes))


def _work(names: list[str], seconds: float) -> float:
    clips, rendered = recordings(6), 0.0
    began = time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        for clip in clips:
            waveform, rate = decode_flac(clip.flac)
            render_all(waveform, rate, [TABLE[name] for name in names])
            rendered += clip.seconds
    return rendered / elapsed


def with_denoising(profile: Profile) -> Profile:
    """Return the profile with noise suppression always on."""
    return msgspec.structs.replace(profile, denoise="on")
