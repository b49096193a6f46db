"""A row and the options of its list to a request, or to what is wrong with the row. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from producers import values as parse
from producers.options import SubmitOptions
from producers.values import Wrong
from schemas.messages import SpeechRequest, Style
from schemas.topics import KIB, REQUESTS
from seedcast import text as texts
from seedcast.errors import InvalidInput, InvalidRow
from seedcast.profiles import Profiles

MAX_BYTES = REQUESTS.max_bytes - 16 * KIB  # key, headers and the batch around a record count towards the topic's limit
METADATA = "metadata."
_STYLE = tuple(field.name for field in msgspec.structs.fields(Style))
_EPOCH = datetime.fromtimestamp(0, UTC)
_canonical = msgspec.json.Encoder(order="sorted")


class Builder:
    """Raises InvalidInput where the options, or the columns of the whole file, are wrong."""

    def __init__(self, options: SubmitOptions, created_at: datetime, profiles: Profiles, columns: tuple[str, ...] | None = None) -> None:
        self._campaign, self._id_column = campaign_id(options.campaign), options.id_column
        self._hash = hashlib.sha256(f"{self._campaign}\n".encode())  # no campaign id holds a line end, so the join is unambiguous
        self._parsers = _parsers(created_at, frozenset(profiles))
        self._template = _option("template", _template, options.template) if options.template is not None else None
        self._columns = None if columns is None else _Columns(columns)
        chosen = {
            "voice": options.voice,
            "speaker": options.speaker,
            "speed": options.speed,
            "profiles": tuple(options.profiles),
            "deadline": options.deadline,
            "priority": options.priority,
        }
        self._defaults = {_FIELD[name]: _option(name, self._parsers[name], value) for name, value in chosen.items() if value is not None}
        self._style: Style = _option("style", lambda style: _style(msgspec.to_builtins(style)), options.style)
        self.deadline: datetime | None = self._defaults.get("deadline")
        if columns is not None:
            self._check_columns(columns)

    def build(self, row: int, values: Mapping[str, object], submitted_at: datetime) -> SpeechRequest:
        """Raises InvalidRow. Whether the deadline is past is not judged here: the row may have been accepted before it was."""
        columns = self._columns or _Columns(values)
        fields = self._defaults.copy()
        for name in columns.overrides:
            value = values.get(name)
            if value is not None and value != "":
                fields[_FIELD[name]] = self._parse(row, name, value)
        if "voice_seed" not in fields:
            raise InvalidRow(row, "voice", expected="a voice seed", got="nothing")
        metadata = {name[len(METADATA) :]: str(value) for name in columns.metadata if (value := values.get(name)) is not None}
        metadata["row"] = identity = str(row)
        if self._id_column is not None:
            metadata["id"] = identity = self._identity(row, values)
        if len(metadata) > 32:
            raise InvalidRow(row, METADATA + "*", expected="at most 30 columns", got=str(len(metadata)))
        return SpeechRequest(
            request_id=self._request_id(identity),
            campaign_id=self._campaign,
            text=self._text(row, values),
            style=self._styled(row, values, columns.style),
            submitted_at=submitted_at,
            metadata=metadata,
            **fields,
        )

    def _request_id(self, identity: str) -> str:
        hasher = self._hash.copy()
        hasher.update(identity.encode("utf-8", "surrogatepass"))
        return hasher.hexdigest()[:32]

    def _identity(self, row: int, values: Mapping[str, object]) -> str:
        try:
            return parse.identity(values.get(self._id_column or ""))
        except Wrong as wrong:
            raise _row(row, self._id_column or "", wrong) from None

    def _text(self, row: int, values: Mapping[str, object]) -> str:
        template = self._template
        if own := values.get("template"):
            template = self._parse(row, "template", own)
        text = template.render(row, values) if template else values.get("text")
        if not isinstance(text, str):
            raise InvalidRow(row, "text", expected="text", got="nothing" if text is None else type(text).__name__)
        if problem := texts.problem(text):
            raise InvalidRow(row, "text", expected=problem[0], got=problem[1])
        return text

    def _styled(self, row: int, values: Mapping[str, object], columns: tuple[str, ...]) -> Style:
        own = {name: self._parse(row, name, value) for name in columns if (value := values.get(name)) is not None and value != ""}
        return msgspec.structs.replace(self._style, **own) if own else self._style

    def _parse(self, row: int, name: str, value: object) -> Any:
        try:
            return self._parsers[name](tuple(value) if isinstance(value, list) else value)
        except Wrong as wrong:
            raise _row(row, name, wrong) from None
        except TypeError:  # a value that no cache can hold: a nested array or object
            raise InvalidRow(row, name, expected="a single value", got=type(value).__name__) from None

    def _check_columns(self, columns: tuple[str, ...]) -> None:
        own_template = "template" in columns
        missing = [] if self._id_column is None else [self._id_column]
        missing += (
            ["voice"] if not self._defaults.get("voice_seed") and not {"voice", "voice_seed"} & set(columns) and "voice_seed" not in self._defaults else []
        )
        missing += [] if own_template or self._template else ["text"]
        missing += self._template.variables if self._template and not own_template else []
        if missing := [name for name in dict.fromkeys(missing) if name not in columns]:
            raise InvalidInput(
                "columns are missing", expected=", ".join(missing), got=", ".join(columns), remedy="see SubmitOptions, or `seedcast submit --help`"
            )
