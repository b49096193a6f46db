"""What the files of a campaign's audio are called. Pure.

A name comes from a list, so it may be anything. What becomes of it is a file in one folder, on
every system: with a character replaced where a system refuses it, and refused where two files would
be one.
"""

import re
import unicodedata
from dataclasses import dataclass
from string import Formatter

from seedcast.errors import InvalidInput
from seedcast.schemas.messages import Rendition

DEFAULT = "{id}.{profile}.{ext}"
FIELDS = ("id", "row", "request_id", "campaign", "profile", "ext")
MAX_BYTES = 255  # of one part of a path, on Linux; no other system allows more
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file, and what a terminal would obey.
_REFUSED = re.compile(
    '[\x00-\x1f\x7f-\x9f<>:"/\\\\|?*\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]'
)
_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE
)
_LIVE = ("-", "=", "@")  # an option, a command or a file of arguments to shells and their commands


@dataclass(frozen=True, slots=True)
class Named:
    """Whose audio it is."""

    campaign: str
    request_id: str
    own_id: str | None
    row: int | None

    def __str__(self) -> str:
        row = f"row {self.row}, " if self.row is not None else ""
        own = f"id {self.own_id!r}, " if self.own_id is not None else ""
        return f"{row}{own}request {self.request_id}"


class NameTemplate:
    """Such as `{id}.{profile}.{ext}`, or `{profile}/{row}.{ext}` for folders."""

    def __init__(self, template: str) -> None:
        """Raises InvalidInput if it is no path below a folder, or has unknown fields."""
        for part in template.split("/"):
            if part in ("", ".", ".."):
                raise _wrong(template, "a name in the folder, with '/' between folders only")
        if "\\" in template:
            raise _wrong(template, "'/' between folders, and no '\\'")
        try:
            fields = [found[1:] for found in Formatter().parse(template) if found[1] is not None]
        except ValueError as error:
            raise _wrong(template, f"fields in braces ({error})") from error
        for name, spec, conversion in fields:
            if name not in FIELDS or spec or conversion:
                raise _wrong(template, "fields of " + ", ".join(f"{{{each}}}" for each in FIELDS))
        self._parts = template.split("/")

    def name(self, named: Named, audio: Rendition) -> str:
        """Return the path below the folder. Raises InvalidInput if a part of it is too long."""
        values = {
            "id": named.request_id if named.own_id is None else named.own_id,
            "row": "" if named.row is None else str(named.row),
            "request_id": named.request_id,
            "campaign": named.campaign,
            "profile": audio.profile,
            "ext": audio.uri.rsplit(".", 1)[-1],
        }
        harmless = {name: _REFUSED.sub("_", value) for name, value in values.items()}
        return "/".join(_part(part.format_map(harmless), named) for part in self._parts)


def folded(name: str) -> str:
    """Return what is equal for names that some file system takes for the same one.

    macOS normalises, and like Windows it does not tell cases apart.
    """
    decomposed = unicodedata.normalize("NFD", name)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", decomposed.casefold()))


def _part(text: str, named: Named) -> str:
    text = _REFUSED.sub("_", text)
    kept = text.rstrip(". ")  # Windows drops them
    text = kept + "_" * (len(text) - len(kept))
    text = re.sub(r"^\.", "_", text) or "_"  # no hidden file, and none of our own
    if _DEVICE.match(text) or text.startswith(_LIVE):
        text = f"_{text}"
    if len(text.encode()) > MAX_BYTES:
        raise InvalidInput(
            f"the name of the audio of {named}",
            expected=f"at most {MAX_BYTES} bytes between two '/'",
            got=f"{len(text.encode()):,} bytes",
            remedy="name files by --name '{row}.{profile}.{ext}'",
        )
    return text


def _wrong(template: str, expected: str) -> InvalidInput:
    return InvalidInput("--name", expected=expected, got=template)
