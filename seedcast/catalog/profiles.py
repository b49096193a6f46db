"""Device profiles, which are data. Producers check their names; post-processing renders them."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from seedcast.catalog import formats
from seedcast.catalog.formats import Format
from seedcast.errors import InvalidRequest, InvalidSettings
from seedcast.schemas.messages import ProfileName

if TYPE_CHECKING:
    from seedcast.settings import PostprocessSettings

Off = Literal["off"]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=5)]
# Hz; a filter for a lower edge would be longer than the speech
LowEdge = Annotated[float, msgspec.Meta(ge=20, le=96_000)]
HighEdge = Annotated[float, msgspec.Meta(gt=0, le=96_000)]  # Hz
CREST = 6.0  # dB that speech needs between loudness and true peak, however hard it is limited


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to render audio for one kind of device.

    A step that a row does not mention is applied, with a default that suits a phone.
    """

    name: ProfileName
    format: Format
    sample_rate: Annotated[int, msgspec.Meta(ge=8000, le=192_000)]  # Hz
    # bits per second; used by Opus, MP3 and AAC
    bitrate: Annotated[int, msgspec.Meta(ge=6000, le=510_000)] = 32_000
    # how much computation Opus's encoder may spend
    complexity: Annotated[int, msgspec.Meta(ge=0, le=10)] = 7
    resampler: Literal["soxr", "kaiser"] = "soxr"
    # silence at both ends; with auto, a waveform without speech is an error
    trim: Literal["auto", "off"] = "auto"
    # the probability from which a window counts as speech; 0: every window does
    speech: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    padding: Seconds = 0.1  # silence that trimming leaves at each end
    fade: Seconds = 0.01  # inside the padding
    # seconds; longer pauses inside the speech are shortened to this
    max_pause: Annotated[float, msgspec.Meta(ge=0.05, le=5)] | None = None
    denoise: Literal["auto", "on", "off"] = "auto"
    # dB; below this ratio, denoise = "auto" suppresses noise
    snr: Annotated[float, msgspec.Meta(ge=-20, le=60)] = 20.0
    band: tuple[LowEdge, HighEdge] | None = None  # frequencies to keep; None: all
    # ratio over the loud half of the speech's range; 1: no compression
    compression: Annotated[float, msgspec.Meta(ge=1, le=20)] = 1.0
    loudness: Annotated[float, msgspec.Meta(ge=-50, le=-5)] | Off = -19.0  # LUFS, mono
    true_peak: Annotated[float, msgspec.Meta(ge=-20, le=0)] | Off = -1.0  # dBTP, the ceiling
    # a request whose every profile says so is delivered after its deadline, too, if its synthesis
    # began in time
    deliver_late: bool = False

    @property
    def suffix(self) -> str:
        """The usual ending of a file, without the dot."""
        return formats.suffix(self.format, self.sample_rate)

    def __post_init__(self) -> None:
        formats.check(self.format, self.sample_rate, self.bitrate)
        self._check_fade()
        self._check_band()
        self._check_loudness()

    def _check_fade(self) -> None:
        if self.trim == "auto" and self.fade > self.padding:
            expected = f"a fade of at most the padding, {self.padding:g} s"
            raise _expected(expected, f"{self.fade:g}; a longer one would fade speech")

    def _check_band(self) -> None:
        nyquist = self.sample_rate / 2
        if self.band and not self.band[0] < self.band[1] < nyquist:
            expected = f"a band of two rising frequencies under {nyquist:g} Hz"
            raise _expected(expected, list(self.band))

    def _check_loudness(self) -> None:
        if isinstance(self.loudness, str) or isinstance(self.true_peak, str):
            return
        highest = self.true_peak - CREST
        if self.loudness > highest:
            expected = f"a loudness of at most {highest:g} LUFS, {CREST:g} dB under the true peak"
            raise _expected(expected, f"{self.loudness:g}")


def _expected(expected: str, got: object) -> ValueError:
    return ValueError(f"expected {expected}, got {got}")


Profiles = MappingProxyType[str, Profile]


def load(settings: "PostprocessSettings") -> Profiles:
    """Returns the built-in profiles, extended or replaced by the operator's rows.

    Raises InvalidSettings, which names the row and the field.
    """
    table = _parse((files("seedcast.catalog") / "profiles.toml").read_bytes(), "profiles.toml")
    if settings.profiles:
        try:
            table |= _parse(Path(settings.profiles).read_bytes(), settings.profiles)
        except OSError as error:
            raise InvalidSettings(
                "SEEDCAST_POSTPROCESS_PROFILES", expected="a readable TOML file", got=str(error)
            ) from error
    return MappingProxyType(table)


def check_names(names: Iterable[str], known: Profiles) -> None:
    """Raise InvalidRequest if a profile is unknown.

    It says where and not which: a column of names that was taken for the profiles is personal data.
    """
    if unknown := [place for place, name in enumerate(names, 1) if name not in known]:
        raise InvalidRequest(
            "unknown_profile",
            "field profiles",
            expected=f"any of {', '.join(sorted(known))}",
            got=f"another at position {', '.join(map(str, unknown))}",
        )


def _parse(source: bytes, name: str) -> dict[str, Profile]:
    try:
        rows = msgspec.toml.decode(source, type=dict[str, dict[str, object]])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        # tomllib also raises errors that are not its own.
        raise InvalidSettings(
            f"profiles in {name}",
            expected="TOML of [name] with format, sample_rate and optional fields",
            got=str(error),
        ) from error
    return {row: _profile(row, fields, name) for row, fields in rows.items()}


def _profile(row: str, fields: dict[str, object], name: str) -> Profile:
    if "name" in fields:
        raise InvalidSettings(
            f"profile [{row}] in {name}",
            expected="its name only in the brackets",
            got="a field 'name'",
        )
    try:
        return msgspec.convert({"name": row, **fields}, Profile)
    except msgspec.ValidationError as error:
        known = ", ".join(field for field in Profile.__struct_fields__ if field != "name")
        raise InvalidSettings(
            f"profile [{row}] in {name}",
            expected=f"format and sample_rate, and optionally other fields of {known}",
            got=str(error),
        ) from error
