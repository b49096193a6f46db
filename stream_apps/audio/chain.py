"""Waveform to rendition by a profile, and the fingerprint of everything its bytes depend on."""

import hashlib
import platform
from dataclasses import dataclass
from importlib.metadata import version

import av
import msgspec
import numpy as np
import soundfile
import soxr

from seedcast.codec import Waveform
from seedcast.errors import InvalidRequest
from seedcast.metrics import STAGE_SECONDS
from seedcast.profiles import SUFFIX, Profile, Profiles
from stream_apps.audio.encode import CONTENT_TYPE, encode
from stream_apps.audio.resample import RES_TYPE, resample

VERSION = 1  # raised when this code changes what it makes of the same waveform


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
    samples: int  # at that rate

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples / self.sample_rate


def render(waveform: Waveform, sample_rate: int, profile: Profile) -> Rendered:
    """(samples,) int16 mono at `sample_rate` Hz. Raises InvalidRequest (render_error) where there is no sample or no encoding of it."""
    if not len(waveform):
        raise InvalidRequest("render_error", f"profile {profile.name}", expected="at least one sample", got="an empty waveform")
    try:
        with STAGE_SECONDS.labels("render").time():
            converted = resample(waveform, sample_rate, profile.sample_rate)
        with STAGE_SECONDS.labels("encode").time():
            data = encode(converted, profile)
    except Exception as error:  # three libraries, each with a tree of its own; whatever it is, this waveform cannot be rendered
        raise InvalidRequest("render_error", f"profile {profile.name}", got=f"{type(error).__name__}: {error}") from error
    return Rendered(
        profile=profile.name,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        format=profile.format,
        suffix=SUFFIX[profile.format],
        content_type=CONTENT_TYPE[profile.format],
        sample_rate=profile.sample_rate,
        samples=len(converted),
    )


def chain_fingerprint(profiles: Profiles) -> str:
    """SHA-256 over the profile rows and the versions of what renders them; equal in every process of one deployment."""
    facts = {
        "chain": VERSION,
        "resampling": RES_TYPE,
        "machine": platform.machine(),
        "libraries": {name: version(name) for name in ("librosa", "numpy", "soxr", "soundfile", "av")} | {"libsoxr": soxr.__libsoxr_version__},
        "codecs": {"libsndfile": soundfile.__libsndfile_version__, "ffmpeg": list(map(list, av.library_versions.values()))},
        "profiles": [msgspec.to_builtins(profiles[name]) for name in sorted(profiles)],
    }
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def warm_up(profiles: Profiles) -> None:
    """Renders a moment of silence by every profile: the first use of librosa and of a codec takes seconds."""
    for profile in profiles.values():
        render(np.zeros(2400, np.int16), 22_050, profile)
