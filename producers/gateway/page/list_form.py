"""The form in which a person says how a list becomes a campaign, and the options that it makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath

import msgspec

from seedcast.errors import InvalidRow
from seedcast.producers.gateway.bodies import convert
from seedcast.producers.gateway.submissions import CampaignBody
from seedcast.producers.rows.parsers import parse_template
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.staging.list_job import ListOptions

PROFILE = "profile."  # a box for each device profile
OWN, TEMPLATE, COLUMN = "own", "template", "column."  # where the texts come from
VOICE = "2222"  # where nobody has chosen one
# Fields whose text is the option of the same name.
_PLAIN = (
    "id_column",
    "voice_column",
    "text_format",
    "locale",
    "voice",
    "speaker",
    "speed",
    "deadline",
    "priority",
    "weight",
    "rate",
    "start_at",
    "window",
    "zone",
    "format",
    "delimiter",
    "encoding",
    "sheet",
)
_OF_PARAM = {"campaign_id": "campaign"}  # fields that have another name than the option
_VOICES = {"voice", "voice_seed"}
_NAMES = ("id", "ID", "Id")  # of a column whose values are most likely the rows' own ids
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class ListForm:
    """`fields` as they were posted, and what is shown where nothing was."""

    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    def profiles(self) -> tuple[str, ...]:
        names = (name.removeprefix(PROFILE) for name in self.fields if name.startswith(PROFILE))
        return tuple(names)

    def field_of(self, param: str | None) -> str | None:
        """Return the field in which a person mends what is wrong with `param`; None: in none."""
        name = _OF_PARAM.get(param or "", param)
        return name if name in (*_PLAIN, "campaign", "template", "text") else None

    def template(self) -> str | None:
        """Return the template that the choice of a column, or of a template, comes to."""
        match self["text"].partition(COLUMN):
            case ("", _, column) if column:
                return "{" + column + "}"
            case (str(choice), _, _) if choice == TEMPLATE:
                return self["template"]
            case _:
                return None

    def options(self) -> ListOptions:
        """Raises Problem 400, which names the field."""
        return convert(self._values(), ListOptions)

    def body(self, file_id: str) -> CampaignBody:
        """Raises Problem 400, which names the field."""
        return convert(self._values() | {"file_id": file_id}, CampaignBody)

    def _values(self) -> dict[str, object]:
        values: dict[str, object] = {name: self[name] for name in _PLAIN if self[name].strip()}
        if (template := self.template()) is not None:
            values["template"] = template
        if profiles := self.profiles():
            values["profiles"] = profiles
        if self["deliver_late"]:
            values["deliver_late"] = True
        return values


def fresh(filename: str, columns: tuple[str, ...]) -> ListForm:
    """Return the form of a list about which nobody has said anything yet."""
    fields = {"campaign": campaign_of(filename), f"{PROFILE}phone": "on", "text_format": "plain"}
    fields["id_column"] = next((name for name in _NAMES if name in columns), "")
    if not _VOICES & set(columns):
        fields["voice"] = VOICE
    has_own = {"text", "template"} & set(columns)
    fields["text"] = OWN if has_own or not columns else TEMPLATE
    return ListForm(fields)


def stored(campaign: str, encoded: bytes) -> ListForm:
    """Return the form that makes these options of a list that was checked or submitted."""
    options = msgspec.json.decode(encoded, type=ListOptions)
    values = msgspec.to_builtins(options)
    fields = {name: str(values[name]) for name in _PLAIN if values.get(name) is not None}
    fields["campaign"], fields["text"] = campaign, OWN
    if options.template is not None:
        fields |= {"text": TEMPLATE, "template": options.template}
    if options.deliver_late:
        fields["deliver_late"] = "on"
    return ListForm(fields | {f"{PROFILE}{name}": "on" for name in options.profiles})


def campaign_of(filename: str) -> str:
    """Return a name for a campaign: the file's, as far as it may be one, and the day."""
    stem = _UNFIT.sub("-", PurePath(filename).stem).strip("-._")[:48]
    return f"{stem or 'campaign'}-{datetime.now(UTC):%Y-%m-%d}"


def placeable(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns that a template can name."""
    return tuple(name for name in columns if _is_placeable(name))


def _is_placeable(name: str) -> bool:
    try:
        return parse_template("{" + name + "}", False).variables == (name,)
    except (InvalidValue, InvalidRow):
        return False
