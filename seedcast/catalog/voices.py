"""Named voices: data, not code. Producers resolve a name to what a request carries; requests never hold one."""

from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from schemas.messages import Speaker, Speed, Style, VoiceSeed
from seedcast.errors import InvalidSettings
from seedcast.settings import Settings

VoiceName = Annotated[
    str, msgspec.Meta(pattern=r"^[^\W\d][\w.-]{0,63}$(?!\n)")
]  # begins with a letter, so that no name looks like a seed
STYLE = MappingProxyType(
    {field.encode_name: field.name for field in msgspec.structs.fields(Style)}
)  # as written: as an attribute


class Voice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A seed, a speaker string, or both: then the timbre is the string's and the draws are the seed's."""

    name: VoiceName
    seed: VoiceSeed | None = None
    speaker: Speaker | None = None
    speed: Speed | None = (
        None  # a default, as is each parameter of the style; None leaves the list's
    )
    style: dict[str, object] = {}
    language: Literal["zh", "en"] | None = None  # what it was chosen for; nothing is refused by it
    description: str = ""

    def __post_init__(self) -> None:
        if self.seed is None and self.speaker is None:
            raise ValueError("expected a seed, a speaker or both, got neither")
        if unknown := sorted(self.style.keys() - STYLE.keys()):
            raise ValueError(f"expected a style of {', '.join(STYLE)}, got {', '.join(unknown)}")
        try:
            style = msgspec.convert(self.style, Style)
        except msgspec.ValidationError as error:
            raise ValueError(f"style: {error}") from None
        # With the types that a reader gives them: 1 and 1.0 are not the same content of a request.
        msgspec.structs.force_setattr(
            self, "style", {name: getattr(style, STYLE[name]) for name in self.style}
        )

    def fields(self) -> dict[str, object]:
        """What it sets in a request, the style apart."""
        found: dict[str, object] = {"voice_seed": self.seed or 0, "speaker": self.speaker}
        return found if self.speed is None else found | {"speed": self.speed}

    def styled(self, style: Style) -> Style:
        """The list's style with this voice's own parameters over it."""
        return (
            msgspec.structs.replace(
                style, **{STYLE[name]: value for name, value in self.style.items()}
            )
            if self.style
            else style
        )


Voices = MappingProxyType[str, Voice]
NONE: Voices = MappingProxyType({})


def load(settings: Settings) -> Voices:
    """The operator's file; none are built in. Raises InvalidSettings, naming the voice."""
    if not settings.voices:
        return NONE
    try:
        rows = msgspec.toml.decode(
            Path(settings.voices).read_bytes(), type=dict[str, dict[str, object]]
        )
    except OSError as error:
        raise InvalidSettings(
            "SEEDCAST_VOICES", expected="a readable TOML file", got=str(error)
        ) from error
    except (
        msgspec.DecodeError,
        ValueError,
        RecursionError,
    ) as error:  # tomllib raises more than its own
        raise InvalidSettings(
            f"voices in {settings.voices}",
            expected="TOML of [name] with seed or speaker",
            got=str(error),
        ) from error
    return MappingProxyType(
        {name: _voice(name, fields, settings.voices) for name, fields in rows.items()}
    )


def _voice(name: str, fields: dict[str, object], file: str) -> Voice:
    place = f"voice {name[:64]!r} in {file}"
    if "name" in fields:
        raise InvalidSettings(
            place, expected="its name in the brackets alone", got="a field 'name'"
        )
    try:
        return msgspec.convert({"name": name, **fields}, Voice)
    except msgspec.ValidationError as error:
        expected = "a seed or a speaker, and perhaps speed, style, language and description"
        raise InvalidSettings(place, expected=expected, got=str(error)) from error
