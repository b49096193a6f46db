"""The columns of a list that set a field of the request, a style option or metadata. Pure."""

import re
from collections.abc import Iterable
from functools import lru_cache

from seedcast.catalog.voices import STYLE
from seedcast.errors import InvalidInput
from seedcast.producers.rows.rows import SHOWN
from seedcast.producers.rows.values import InvalidValue, require_utf8

METADATA = "metadata."
FIELDS = {  # column: field of SpeechRequest
    "voice": "voice_seed",
    "voice_seed": "voice_seed",
    "speaker": "speaker",
    "speed": "speed",
    "profile": "profiles",
    "profiles": "profiles",
    "deadline": "deadline",
    "priority": "priority",
    "text_format": "text_format",
    "locale": "locale",
}
VOICE = "voice_seed"
_WITHOUT_VOICE = {name: field for name, field in FIELDS.items() if field != VOICE}
_RESERVED = {f"{METADATA}row": "number", f"{METADATA}id": "id"}  # column: what metadata holds there


class Columns:
    """The columns with a meaning of their own; any other is only a template's variable."""

    def __init__(
        self, columns: Iterable[object], has_id_column: bool, voice_column: str | None = None
    ) -> None:
        """`invalid` is the first column whose name is not allowed, with its error, or None.

        The name is '' if it is no text or not valid Unicode. `voice_column` has the voices, where
        that is another than those of FIELDS.
        """
        columns = tuple(columns)
        self.invalid = _first_invalid(columns, has_id_column)
        names = [name for name in columns if isinstance(name, str)]
        meant = FIELDS if voice_column is None else _WITHOUT_VOICE | {voice_column: VOICE}
        self.fields = tuple((name, meant[name]) for name in names if name in meant)
        self.style = tuple((name, STYLE[name]) for name in names if name in STYLE)
        self.overriding = tuple(name for name, _ in self.fields + self.style)  # an option
        self.metadata = tuple(name for name in names if name.startswith(METADATA))


def _first_invalid(names: Iterable[object], has_id_column: bool) -> tuple[str, InvalidValue] | None:
    for name in names:
        if not isinstance(name, str):
            return "", InvalidValue("column names that are text", got=type(name).__name__)
        if name in _RESERVED and (has_id_column or _RESERVED[name] == "number"):
            return name, InvalidValue(
                f"another name, because the result's metadata has the row's {_RESERVED[name]} here",
                got="a column",
            )
        try:
            require_utf8(name)
        except InvalidValue as error:
            return "", error
    return None


def refuse_missing(list_name: str, needed: Iterable[str], columns: tuple[str, ...]) -> None:
    """Raises InvalidInput if a column is missing."""
    missing = [name for name in dict.fromkeys(needed) if name not in columns]
    if missing:
        raise InvalidInput(
            f"{list_name}: columns are missing",
            expected=", ".join(map(repr, missing)),
            got=", ".join(map(repr, columns))[:SHOWN],
            remedy=_remedy(list_name, missing, columns),
        )


def _remedy(list_name: str, missing: list[str], columns: tuple[str, ...]) -> str:
    alike = {name.strip().casefold(): name for name in columns}
    if found := [(alike[name.casefold()], name) for name in missing if name.casefold() in alike]:
        renamed = ", ".join(f"{old!r} to {new!r}" for old, new in found)
        return f"capitals and spaces count: rename {renamed} in the header"
    if list_name.lower().endswith(".xlsx"):
        return "the header is the first row with values: delete titles above it, or correct it"
    if len(columns) == 1 and re.search(r"[,;|:\t]", columns[0]):
        return "say what separates the columns with --delimiter (SubmitOptions.delimiter)"
    return "add them to the header, or correct the option that names them"


columns_of = lru_cache(maxsize=256)(Columns)  # rows that bring their own columns mostly share them
