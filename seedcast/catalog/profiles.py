"""Device profiles: data, not code. Producers check names against them, the post-process app renders them."""

from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from schemas.messages import ProfileName
from seedcast.errors import InvalidSettings
from seedcast.settings import PostprocessSettings

Format = Literal["wav-pcm16", "wav-ulaw", "wav-alaw", "flac", "ogg-opus", "mp3"]
SUFFIX: dict[Format, str] = {
    "wav-pcm16": "wav",
    "wav-ulaw": "wav",
    "wav-alaw": "wav",
    "flac": "flac",
    "ogg-opus": "ogg",
    "mp3": "mp3",
}
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # RFC 6716
OPUS_BITRATE = 256_000  # of one channel, the most that libopus takes
FLAC_RATE = 65_535  # Hz; over it a frame's header has tens of Hz only (RFC 9639)
MP3_RATES = (16000, 22050, 24000, 32000, 44100, 48000)  # MPEG-1 and MPEG-2, Layer III
MP3_BITRATES = tuple(
    k * 1000 for k in (32, 40, 48, 56, 64, 80, 96, 112, 128, 160)
)  # what both of them have

Off = Literal["off"]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=5)]
LowEdge = Annotated[
    float, msgspec.Meta(ge=20, le=96_000)
]  # Hz; a filter for less would be longer than the speech
HighEdge = Annotated[float, msgspec.Meta(gt=0, le=96_000)]  # Hz
CREST = 6.0  # dB between loudness and true peak that speech needs, however hard it is limited


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rendition for one kind of device is. A row that says nothing of a step has the step, as a phone would want it."""

    name: ProfileName
    format: Format
    sample_rate: Annotated[int, msgspec.Meta(ge=8000, le=192_000)]  # Hz
    bitrate: Annotated[int, msgspec.Meta(ge=6000, le=510_000)] = (
        32_000  # bits a second, Opus and MP3
    )
    complexity: Annotated[int, msgspec.Meta(ge=0, le=10)] = 5  # of Opus: what its encoder may spend
    resampler: Literal["soxr", "kaiser"] = "soxr"
    trim: Literal["auto", "off"] = (
        "auto"  # silence at both ends; with auto, a waveform without speech is an error
    )
    speech: Annotated[float, msgspec.Meta(ge=0, le=1)] = (
        0.5  # probability from which a window counts as speech; 0: every one does
    )
    padding: Seconds = 0.1  # left of what was trimmed, at each end
    fade: Seconds = 0.01  # inside the padding
    max_pause: Annotated[float, msgspec.Meta(ge=0.05, le=5)] | None = (
        None  # seconds; longer pauses inside are shortened to it
    )
    denoise: Literal["auto", "on", "off"] = "auto"
    snr: Annotated[float, msgspec.Meta(ge=-20, le=60)] = 20.0  # dB; auto suppresses noise under it
    band: tuple[LowEdge, HighEdge] | None = None  # what is kept between; None: all
    compression: Annotated[float, msgspec.Meta(ge=1, le=20)] = (
        1.0  # ratio over the loud half of the speech's range; 1: none
    )
    loudness: Annotated[float, msgspec.Meta(ge=-50, le=-5)] | Off = -19.0  # LUFS, mono
    true_peak: Annotated[float, msgspec.Meta(ge=-20, le=0)] | Off = -1.0  # dBTP, the ceiling

    def __post_init__(self) -> None:
        self._check_codec()
        if self.trim == "auto" and self.fade > self.padding:
            raise ValueError(
                f"expected a fade of at most the padding, {self.padding:g} s, got {self.fade:g}; a longer one would fade speech"
            )
        if self.band and not self.band[0] < self.band[1] < self.sample_rate / 2:
            raise ValueError(
                f"expected a band of two rising frequencies under {self.sample_rate / 2:g} Hz, got {list(self.band)}"
            )

        if (
            not isinstance(self.loudness, str)
            and not isinstance(self.true_peak, str)
            and self.loudness > self.true_peak - CREST
        ):
            raise ValueError(
                f"expected a loudness of at most {self.true_peak - CREST:g} LUFS, {CREST:g} dB under the true peak, got {self.loudness:g}"
            )

    def _check_codec(self) -> None:
        if self.format == "ogg-opus" and self.sample_rate not in OPUS_RATES:
            raise ValueError(
                f"expected a sample_rate of {OPUS_RATES} for Opus, got {self.sample_rate}"
            )
        if self.format == "ogg-opus" and self.bitrate > OPUS_BITRATE:
            raise ValueError(
                f"expected a bitrate of at most {OPUS_BITRATE} for Opus, got {self.bitrate}"
            )
        if self.format == "flac" and self.sample_rate > FLAC_RATE and self.sample_rate % 10:
            raise ValueError(
                f"expected a sample_rate of at most {FLAC_RATE}, or of whole tens, for FLAC, got {self.sample_rate}"
            )
        if self.format == "mp3" and self.sample_rate not in MP3_RATES:
            raise ValueError(
                f"expected a sample_rate of {MP3_RATES} for MP3, got {self.sample_rate}"
            )
        if self.format == "mp3" and self.bitrate not in MP3_BITRATES:
            raise ValueError(f"expected a bitrate of {MP3_BITRATES} for MP3, got {self.bitrate}")


Profiles = MappingProxyType[str, Profile]


def load(settings: PostprocessSettings) -> Profiles:
    """The built-in table with the operator's rows over it. Raises InvalidSettings, naming the row and the field."""
    table = _parse((files("seedcast.catalog") / "profiles.toml").read_bytes(), "profiles.toml")
    if settings.profiles:
        try:
            table |= _parse(Path(settings.profiles).read_bytes(), settings.profiles)
        except OSError as error:
            raise InvalidSettings(
                "SEEDCAST_POSTPROCESS_PROFILES", expected="a readable TOML file", got=str(error)
            ) from error
    return MappingProxyType(table)


def _parse(source: bytes, name: str) -> dict[str, Profile]:
    try:
        rows = msgspec.toml.decode(source, type=dict[str, dict[str, object]])
    except (
        msgspec.DecodeError,
        ValueError,
        RecursionError,
    ) as error:  # tomllib raises more than its own
        raise InvalidSettings(
            f"profiles in {name}",
            expected="TOML: [name], then format, sample_rate and what else differs",
            got=str(error),
        ) from error
    return {row: _profile(row, fields, name) for row, fields in rows.items()}


def _profile(row: str, fields: dict[str, object], name: str) -> Profile:
    if "name" in fields:
        raise InvalidSettings(
            f"profile [{row}] in {name}",
            expected="its name in the brackets alone",
            got="a field 'name'",
        )
    try:
        return msgspec.convert({"name": row, **fields}, Profile)
    except msgspec.ValidationError as error:
        known = ", ".join(field for field in Profile.__struct_fields__ if field != "name")
        raise InvalidSettings(
            f"profile [{row}] in {name}",
            expected=f"format, sample_rate, and of {known} what differs",
            got=str(error),
        ) from error
