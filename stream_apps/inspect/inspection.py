"""What is known of one rendition, and what each step of the chain did to it, in words."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.messages import Rendition
from seedcast.errors import InvalidInput

if TYPE_CHECKING:
    from seedcast.catalog.profiles import Profile
    from stream_apps.audio.chain import Rendered
    from stream_apps.audio.samples import Samples


SIXTEEN_BITS = ("PCM_16", "ULAW", "ALAW")  # libsndfile's names of what decodes to int16


@dataclass(frozen=True)
class Clip:
    samples: "Samples"  # (samples,)
    rate: int  # Hz

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class Inspection:
    """What is known of one rendition. None where it is not kept, or was not made."""

    name: str
    profile: "Profile"
    before: Clip | None = None
    after: Clip | None = None
    made: "Rendered | None" = None  # from `before`, now
    manifest: Rendition | None = None
    notes: tuple[str, ...] = ()  # what is not as it should be


def decode(data: bytes, name: str) -> Clip:
    """Samples of 16 bits become what the chain makes of a waveform; channels are mixed to one. Raises InvalidInput, naming `name`."""
    import soundfile

    from stream_apps.audio.samples import from_int16

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            whole = file.subtype in SIXTEEN_BITS
            samples, rate = (
                file.read(dtype="int16" if whole else "float32", always_2d=True),
                file.samplerate,
            )
    except soundfile.LibsndfileError as error:
        raise InvalidInput(
            name, expected="audio as WAV, FLAC, Ogg or MP3", got=error.error_string
        ) from error
    return Clip((from_int16(samples) if whole else samples).mean(axis=1), int(rate))


def steps(found: Inspection) -> Iterator[tuple[str, Any]]:
    """Each step and what it did, in the order of the chain."""
    if found.before:
        yield "waveform", f"{found.before.seconds:.2f} s at {found.before.rate:,} Hz"
    if found.made and found.before:
        yield from _done(found.made, found.profile, found.before.rate)
    elif found.manifest:
        yield from _told(found.manifest)
    if found.manifest:
        yield "object", f"{found.manifest.uri}, {found.manifest.bytes:,} bytes"
    if found.manifest and found.made:
        same = found.made.sha256 == found.manifest.sha256
        yield (
            "rendered again here",
            "the same bytes"
            if same
            else "other bytes, by another chain, profile or kind of machine",
        )


def _done(made: "Rendered", profile: "Profile", rate: int) -> Iterator[tuple[str, str]]:
    did = made.processed
    trimmed, level = did.trimmed, did.level
    cuts = f"{trimmed.lead * 1000:.0f} ms at the start, {trimmed.tail * 1000:.0f} ms at the end"
    yield (
        "silence trim",
        "off"
        if profile.trim == "off"
        else cuts + (f", {trimmed.pauses * 1000:.0f} ms in pauses" if trimmed.pauses else ""),
    )
    yield "SNR", f"{did.snr:.1f} dB" + (" or more" if did.snr >= 60 else "")
    yield (
        "noise suppression",
        f"{'RNNoise' if did.denoised else 'none'} ({profile.denoise}{f', under {profile.snr:g} dB' if profile.denoise == 'auto' else ''})",
    )
    yield (
        "resampling",
        f"{rate:,} → {made.sample_rate:,} Hz by {did.resampler}"
        if did.resampler
        else f"none, {rate:,} Hz as it came",
    )
    yield "band", f"{profile.band[0]:g}–{profile.band[1]:g} Hz" if profile.band else "all"
    if profile.compression > 1:
        yield "dynamics", f"{profile.compression:g}:1"
    yield (
        "loudness",
        f"{level.before:.1f} LUFS → {level.loudness:.1f} LUFS (target {_number(profile.loudness)})",
    )
    yield (
        "gain",
        f"{level.gain:+.1f} dB"
        + (f", limiter {-level.limited:.1f} dB at most" if level.limited else ""),
    )
    yield "true peak", f"{level.true_peak:.1f} dBTP (ceiling {_number(profile.true_peak)})"
    yield (
        "rendition",
        f"{made.duration:.2f} s, {made.format} at {made.sample_rate:,} Hz, {len(made.data):,} bytes",
    )


def _told(manifest: Rendition) -> Iterator[tuple[str, str]]:
    """What the manifest alone says."""
    facts = (
        ("silence trim", manifest.trimmed, "s"),
        ("SNR", manifest.snr, "dB"),
        ("loudness", manifest.loudness, "LUFS"),
    )
    yield from (
        (name, f"{value:g} {unit}")
        for name, value, unit in (*facts, ("true peak", manifest.true_peak, "dBTP"))
        if value is not None
    )
    if manifest.denoised is not None:
        yield "noise suppression", "RNNoise" if manifest.denoised else "none"
    yield (
        "rendition",
        f"{manifest.duration:.2f} s, {manifest.format} at {manifest.sample_rate:,} Hz",
    )


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
