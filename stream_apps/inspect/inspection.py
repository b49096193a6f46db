"""What is known of one rendition, and what each step of the chain did to it, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seedcast.catalog.profiles import Profile
from seedcast.schemas.messages import Rendition
from seedcast.stream_apps.audio.chain import Rendered
from seedcast.stream_apps.audio.noise import CLEAN
from seedcast.stream_apps.inspect.decode import Clip


@dataclass(frozen=True)
class Inspection:
    """What is known of one rendition. A field is None if it is not kept, or was not made."""

    name: str
    profile: Profile
    before: Clip | None = None
    after: Clip | None = None
    rendered: Rendered | None = None  # from `before`, here and now
    manifest: Rendition | None = None
    notes: tuple[str, ...] = ()  # what is not as it should be
    is_error: bool = False  # there is no rendition, or not the one of the manifest


def steps(inspection: Inspection) -> Iterator[tuple[str, Any]]:
    """Yield each step and what it did, in the order of the chain."""
    before, rendered, manifest = inspection.before, inspection.rendered, inspection.manifest
    if before:
        yield "waveform", f"{before.seconds:.2f} s at {before.rate:,} Hz"
    if rendered and before:
        yield from _steps_of_chain(rendered, inspection.profile, before.rate)
    elif manifest:
        yield from _steps_of_manifest(manifest)
    if manifest:
        yield "object", f"{manifest.uri}, {manifest.bytes:,} bytes"
    if manifest and rendered:
        other = "other bytes, by another chain, profile or kind of machine"
        is_same = rendered.sha256 == manifest.sha256
        yield "rendered again here", "the same bytes" if is_same else other


def _steps_of_chain(rendered: Rendered, profile: Profile, rate: int) -> Iterator[tuple[str, str]]:
    """Yield what the chain itself tells of a rendition."""
    processed = rendered.processed
    levelled = processed.level
    yield "silence trim", _trim_in_words(rendered, profile)
    yield "SNR", f"{processed.snr:.1f} dB" + (" or more" if processed.snr >= CLEAN else "")
    yield "noise suppression", _suppression_in_words(rendered, profile)
    yield "resampling", _resampling_in_words(rendered, rate)
    yield "band", f"{profile.band[0]:g}–{profile.band[1]:g} Hz" if profile.band else "all"
    if profile.compression > 1:
        yield "dynamics", f"{profile.compression:g}:1"
    change = f"{levelled.before:.1f} LUFS → {levelled.loudness:.1f} LUFS"
    yield "loudness", f"{change} (target {_in_words(profile.loudness)})"
    limiter = f", limiter {-levelled.limited:.1f} dB at most" if levelled.limited else ""
    yield "gain", f"{levelled.gain:+.1f} dB{limiter}"
    ceiling = _in_words(profile.true_peak)
    yield "true peak", f"{levelled.true_peak:.1f} dBTP (ceiling {ceiling})"
    yield "rendition", f"{_file_in_words(rendered)}, {len(rendered.data):,} bytes"


def _steps_of_manifest(manifest: Rendition) -> Iterator[tuple[str, str]]:
    """Yield what the manifest tells, if the waveform is no longer kept."""
    facts = (
        ("silence trim", manifest.trimmed, "s"),
        ("SNR", manifest.snr, "dB"),
        ("loudness", manifest.loudness, "LUFS"),
        ("true peak", manifest.true_peak, "dBTP"),
    )
    yield from ((name, f"{value:g} {unit}") for name, value, unit in facts if value is not None)
    if manifest.denoised is not None:
        yield "noise suppression", "RNNoise" if manifest.denoised else "none"
    yield "rendition", _file_in_words(manifest)


def _trim_in_words(rendered: Rendered, profile: Profile) -> str:
    if profile.trim == "off":
        return "off"
    trimmed = rendered.processed.trimmed
    ends = f"{_milliseconds(trimmed.lead)} at the start, {_milliseconds(trimmed.tail)} at the end"
    return ends + (f", {trimmed.pauses * 1000:.0f} ms in pauses" if trimmed.pauses else "")


def _milliseconds(removed: float) -> str:
    return f"{abs(removed) * 1000:.0f} ms" + (" added" if removed < 0 else "")


def _suppression_in_words(rendered: Rendered, profile: Profile) -> str:
    used = "RNNoise" if rendered.processed.denoised else "none"
    limit = f", under {profile.snr:g} dB" if profile.denoise == "auto" else ""
    return f"{used} ({profile.denoise}{limit})"


def _resampling_in_words(rendered: Rendered, rate: int) -> str:
    method = rendered.processed.resampler
    if not method:
        return f"none, {rate:,} Hz as it came"
    return f"{rate:,} → {rendered.sample_rate:,} Hz by {method}"


def _file_in_words(file: Rendered | Rendition) -> str:
    return f"{file.duration:.2f} s, {file.format} at {file.sample_rate:,} Hz"


def _in_words(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
