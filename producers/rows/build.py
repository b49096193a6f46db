"""A row and the options of its list to a request, or to what is wrong with the row. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import msgspec

from producers.rows import values as parse
from producers.rows.content import check_request
from producers.rows.template import Template, compile_template
from producers.rows.values import Wrong
from producers.submit.options import SubmitOptions
from schemas.messages import CampaignId, SpeechRequest, Style
from seedcast.catalog import text as texts
from seedcast.catalog.profiles import Profiles
from seedcast.catalog.voices import NONE, STYLE, Voice, Voices
from seedcast.errors import InvalidInput, InvalidRow

METADATA = "metadata."
_TAKEN = {f"{METADATA}row": "number", f"{METADATA}id": "id"}
_FIELD = {
    "voice": "voice_seed",
    "voice_seed": "voice_seed",
    "speaker": "speaker",
    "speed": "speed",
    "profile": "profiles",
    "profiles": "profiles",
    "deadline": "deadline",
    "priority": "priority",
}


class Builder:
    """Raises InvalidInput where the options, or the columns of the whole file, are wrong."""

    def __init__(
        self,
        options: SubmitOptions,
        created_at: datetime,
        profiles: Profiles,
        columns: tuple[str, ...] | None = None,
        voices: Voices = NONE,
    ) -> None:
        self._campaign, self._id_column = campaign_id(options.campaign), options.id_column
        self._hash = _hash(self._campaign)
        self._known = frozenset(profiles)
        self._parsers = _parsers(created_at, self._known, voices)
        self._template = (
            _option("template", _template, options.template)
            if options.template is not None
            else None
        )
        self._columns = _Columns(columns, self._id_column is not None) if columns else None
        chosen = {
            "speaker": options.speaker,
            "speed": options.speed,
            "profiles": tuple(options.profiles),
            "deadline": options.deadline,
            "priority": options.priority,
        }
        self._defaults = {
            _FIELD[name]: _option(name, self._parsers[name], value)
            for name, value in chosen.items()
            if value is not None
        }
        chosen_style: dict[str, object] = msgspec.to_builtins(options.style)
        self._style = Style(
            **{
                STYLE[name]: _option(name, self._parsers[name], value)
                for name, value in chosen_style.items()
            }
        )
        self._voice: int | Voice | None = (
            None
            if options.voice is None
            else _option("voice", self._parsers["voice"], options.voice)
        )
        if isinstance(self._voice, Voice) and options.speaker is not None:
            raise InvalidInput(
                "option speaker",
                expected="a named voice or a speaker, not both",
                got=f"both, with voice {self._voice.name}",
            )
        self.deadline: datetime | None = self._defaults.get("deadline")
        if columns is not None:
            self._check_columns(columns)

    def build(
        self, row: int, values: Mapping[str, object] | SpeechRequest, submitted_at: datetime
    ) -> SpeechRequest:
        """A request that the caller made is checked and taken as it is. Raises InvalidRow.

        Whether the deadline is past is not judged here: the row may have been accepted before it was.
        """
        if isinstance(values, SpeechRequest):
            return check_request(row, values, self._campaign, self._known)
        columns = self._columns or self._own_columns(row, values)
        own = {
            _FIELD[name]: self._parse(row, name, value)
            for name in columns.overrides
            if (value := values.get(name)) is not None and value != ""
        }
        voice: int | Voice | None = own.pop("voice_seed", self._voice)
        if voice is None:
            raise InvalidRow(row, "voice", expected="a voice", got="nothing")
        spoken, style = (
            (voice.fields(), voice.styled(self._style))
            if isinstance(voice, Voice)
            else ({"voice_seed": voice}, self._style)
        )
        metadata = {
            name[len(METADATA) :]: self._written(row, name, value)
            for name in columns.metadata
            if (value := values.get(name)) is not None
        }
        metadata["row"] = identity = str(row)
        if self._id_column is not None:
            metadata["id"] = identity = self._identity(row, values)
        if len(metadata) > 32:
            raise InvalidRow(
                row, METADATA + "*", expected="at most 30 columns", got=str(len(metadata))
            )
        return SpeechRequest(
            request_id=self._request_id(identity),
            campaign_id=self._campaign,
            text=self._text(row, values),
            style=self._styled(row, values, columns.style, style),
            submitted_at=submitted_at,
            metadata=metadata,
            **(self._defaults | spoken | own),
        )

    def _request_id(self, identity: str) -> str:
        return _request_id(self._hash, identity)

    def _own_columns(self, row: int, values: Mapping[str, object]) -> "_Columns":
        if not isinstance(values, Mapping):
            raise InvalidRow(
                row, "", expected="a mapping or a SpeechRequest", got=type(values).__name__
            )
        columns = _columns_of(tuple(values), self._id_column is not None)
        if columns.wrong:
            raise _row(row, *columns.wrong)
        return columns

    def _written(self, row: int, name: str, value: object) -> str:
        try:
            return parse.written(value)
        except Wrong as wrong:
            raise _row(row, name, wrong) from None

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
            raise InvalidRow(
                row, "text", expected="text", got="nothing" if text is None else type(text).__name__
            )
        if problem := texts.problem(text):
            raise InvalidRow(row, "text", expected=problem[0], got=problem[1])
        return text

    def _styled(
        self, row: int, values: Mapping[str, object], columns: tuple[str, ...], default: Style
    ) -> Style:
        own = {
            STYLE[name]: self._parse(row, name, value)
            for name in columns
            if (value := values.get(name)) is not None and value != ""
        }
        return msgspec.structs.replace(default, **own) if own else default

    def _parse(self, row: int, name: str, value: object) -> Any:
        try:
            return self._parsers[name](tuple(value) if isinstance(value, list) else value)
        except Wrong as wrong:
            raise _row(row, name, wrong) from None
        except TypeError:  # a value that no cache can hold: a nested array or object
            raise InvalidRow(
                row, name, expected="a single value", got=type(value).__name__
            ) from None

    def _check_columns(self, columns: tuple[str, ...]) -> None:
        """What no row could be spoken without, or with. A template column speaks for itself, row by row."""
        if self._columns and self._columns.wrong:
            name, wrong = self._columns.wrong
            raise InvalidInput(f"column {name}", expected=wrong.expected, got=wrong.got)
        needed = [] if self._id_column is None else [self._id_column]
        if self._voice is None and "voice_seed" not in columns:
            needed.append("voice")
        if "template" not in columns:
            needed += self._template.variables if self._template else ["text"]
        if missing := [name for name in dict.fromkeys(needed) if name not in columns]:
            raise InvalidInput(
                "columns are missing",
                expected=", ".join(missing),
                got=", ".join(columns),
                remedy="correct the header, or the option that asks",
            )


def request_id(campaign: str, identity: str) -> str:
    """Of a row: `identity` is what its id column holds, or its number."""
    return _request_id(_hash(campaign), identity)


def campaign_id(name: str) -> str:
    """Raises InvalidInput."""
    try:
        return msgspec.convert(name, CampaignId)
    except msgspec.ValidationError:
        raise InvalidInput(
            "campaign",
            expected="1 to 64 letters, digits, '.', '_' and '-', the first a letter or a digit",
            got=repr(name)[:100],
        ) from None


def _hash(campaign: str) -> "hashlib._Hash":
    return hashlib.sha256(
        f"{campaign}\n".encode()
    )  # no campaign id holds a line end, so the join is unambiguous


def _request_id(begun: "hashlib._Hash", identity: str) -> str:
    hasher = begun.copy()
    hasher.update(identity.encode("utf-8", "surrogatepass"))
    return hasher.hexdigest()[:32]


class _Columns:
    """The columns of a row that mean more than a variable."""

    def __init__(self, given: Iterable[object], identified: bool) -> None:
        """`identified`: whether the list has an id column."""
        given = tuple(given)
        self.wrong = _wrong_name(given, identified)
        names = tuple(name for name in given if isinstance(name, str))
        self.overrides = tuple(name for name in names if name in _FIELD)
        self.style = tuple(name for name in names if name in STYLE)
        self.metadata = tuple(name for name in names if name.startswith(METADATA))


def _wrong_name(names: Iterable[object], identified: bool) -> tuple[str, Wrong] | None:
    """The first column that cannot be, where its name can be told, and what is wrong with it."""
    for name in names:
        if not isinstance(name, str):
            return "", Wrong("columns named by text", got=type(name).__name__)
        if name in _TAKEN and (identified or _TAKEN[name] == "number"):
            return name, Wrong(
                f"another name: here the result has the row's {_TAKEN[name]}", got="a column"
            )
        try:
            parse.encodable(name)
        except Wrong as wrong:
            return "", wrong
    return None


_columns_of = lru_cache(maxsize=256)(_Columns)


def _parsers(
    created_at: datetime, known: frozenset[str], voices: Voices
) -> dict[str, Callable[[Any], Any]]:
    """By column. A list has few distinct voices, profiles, deadlines: each is parsed once."""
    profiles = partial(parse.profiles, known=known)
    table: dict[str, Callable[[Any], Any]] = {
        "voice": partial(parse.voice, known=voices),
        "voice_seed": parse.voice_seed,
        "speaker": parse.speaker,
        "speed": parse.speed,
        "profile": profiles,
        "profiles": profiles,
        "deadline": partial(parse.deadline, created_at=created_at),
        "priority": parse.priority,
        "template": _template,
        **{name: partial(parse.style, name) for name in STYLE},
    }
    return {name: lru_cache(maxsize=1024, typed=True)(parser) for name, parser in table.items()}


def _template(source: object) -> Template:
    expected = "a template such as 'Hello {name}'"
    if not isinstance(source, str):
        raise Wrong(expected, got=type(source).__name__)
    try:
        return compile_template(parse.encodable(source))
    except ValueError as error:
        raise Wrong(expected, got=str(error)) from None


def _option(name: str, parser: Callable[[Any], Any], value: object) -> Any:
    try:
        return parser(value)
    except Wrong as wrong:
        raise InvalidInput(f"option {name}", expected=wrong.expected, got=wrong.got) from None


def _row(row: int, name: str, wrong: Wrong) -> InvalidRow:
    return InvalidRow(row, name, expected=wrong.expected, got=wrong.got)
