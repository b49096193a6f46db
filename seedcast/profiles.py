"""Device profiles: data, not code. Producers check names against them, the post-process app renders them."""

from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from schemas.messages import ProfileName
from seedcast.errors import InvalidSettings
from seedcast.settings import PostprocessSettings

Format = Literal["wav-pcm16", "wav-ulaw", "flac", "ogg-opus"]
SUFFIX: dict[Format, str] = {"wav-pcm16": "wav", "wav-ulaw": "wav", "flac": "flac", "ogg-opus": "ogg"}
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # RFC 6716


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: ProfileName
    format: Format
    sample_rate: Annotated[int, msgspec.Meta(ge=8000, le=192_000)]  # Hz
    bitrate: Annotated[int, msgspec.Meta(ge=6000, le=510_000)] = 32_000  # bits a second, Opus only

    def __post_init__(self) -> None:
        if self.format == "ogg-opus" and self.sample_rate not in OPUS_RATES:
            raise ValueError(f"expected a sample_rate of {OPUS_RATES} for Opus, got {self.sample_rate}")


Profiles = MappingProxyType[str, Profile]


def load(settings: PostprocessSettings) -> Profiles:
    """The built-in table with the operator's rows over it. Raises InvalidSettings, naming the row."""
    table = _parse((files("seedcast") / "profiles.toml").read_bytes(), "profiles.toml")
    if settings.profiles:
        try:
            table |= _parse(Path(settings.profiles).read_bytes(), settings.profiles)
        except OSError as error:
            raise InvalidSettings("SEEDCAST_POSTPROCESS_PROFILES", expected="a readable TOML file", got=str(error)) from error
    return MappingProxyType(table)


def _parse(source: bytes, name: str) -> dict[str, Profile]:
    try:
        rows = msgspec.toml.decode(source, type=dict[str, dict[str, object]])
        return {row: msgspec.convert({"name": row, **fields}, Profile) for row, fields in rows.items()}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"profiles in {name}", expected="[name] with format, sample_rate and bitrate", got=str(error)) from error
