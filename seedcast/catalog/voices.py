"""Named voices, which are data. Producers replace a name by its fields; requests have no names."""

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from seedcast.errors import InvalidSettings
from seedcast.schemas.messages import Speaker, Speed, Style, VoiceSeed

if TYPE_CHECKING:
    from seedcast.settings import Settings

# A name does not begin with a digit, so that no name looks like a seed.
VoiceName = Annotated[str, msgspec.Meta(pattern=r"^[^\W\d][\w.-]{0,63}$(?!\n)")]
# By the name of a style field in files and messages: its attribute in Python.
STYLE = MappingProxyType({field.encode_name: field.name for field in msgspec.structs.fields(Style)})


class Voice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A seed, a speaker string or both.

    With both, the string determines the timbre and the seed determines the random draws.
    """

    name: VoiceName
    seed: VoiceSeed | None = None
    speaker: Speaker | None = None
    # Speed and style override those of the list, parameter by parameter. A row overrides both.
    speed: Speed | None = None
    style: dict[str, object] = {}
    language: Literal["zh", "en"] | None = None  # what it was chosen for; texts are not checked
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
        # Store each value with the type that decoding gives it: a request with 1 and a request
        # with 1.0 have different bytes.
        msgspec.structs.force_setattr(
            self, "style", {name: getattr(style, STYLE[name]) for name in self.style}
        )

    def fields(self) -> dict[str, object]:
        """Returns the request fields that this voice sets, without the style."""
        fields: dict[str, object] = {"voice_seed": self.seed or 0, "speaker": self.speaker}
        return fields if self.speed is None else fields | {"speed": self.speed}

    def override_style(self, style: Style) -> Style:
        """Returns the list's style, overridden by the parameters of this voice."""
        own = {STYLE[name]: value for name, value in self.style.items()}
        return msgspec.structs.replace(style, **own) if own else style


Voices = MappingProxyType[str, Voice]
NONE: Voices = MappingProxyType({})


def load(settings: "Settings") -> Voices:
    """Returns the voices of the operator's file; there are no built-in ones.

    Raises InvalidSettings, which names the voice.
    """
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
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        # tomllib also raises errors that are not its own.
        raise InvalidSettings(
            f"voices in {settings.voices}",
            expected="TOML of [name] with a seed or a speaker",
            got=str(error),
        ) from error
    return MappingProxyType(
        {name: _voice(name, fields, settings.voices) for name, fields in rows.items()}
    )


def _voice(name: str, fields: dict[str, object], file: str) -> Voice:
    voice = f"voice {name[:64]!r} in {file}"
    if "name" in fields:
        raise InvalidSettings(voice, expected="its name only in the brackets", got="a field 'name'")
    try:
        return msgspec.convert({"name": name, **fields}, Voice)
    except msgspec.ValidationError as error:
        expected = "a seed or a speaker, optionally speed, style, language and description"
        raise InvalidSettings(voice, expected=expected, got=str(error)) from error
