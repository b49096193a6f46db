"""How a text is spoken, as options: declared once, for every command that submits or speaks.

A command takes one of the dataclasses below and `expand_options` shows typer its fields.
The bounds of the style are the schema's; the producer checks them, as it does for a row.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from seedcast.catalog.voices import STYLE
from seedcast.schemas.locales import Locale
from seedcast.schemas.messages import Style

if TYPE_CHECKING:
    from seedcast.producers.staging.options import SubmitOptions


def _style_option(*names: str, text: str) -> Any:
    return typer.Option(*names, rich_help_panel="Style", help=text)


Voice = Annotated[
    str | None, typer.Option(help="Voice seed, or a name of the voices file (`seedcast voices`).")
]
Speaker = Annotated[
    str | None,
    typer.Option(
        help="ChatTTS speaker string. It sets the timbre; the voice seed still makes the draws."
    ),
]


@dataclass(frozen=True, kw_only=True)
class StyleOptions:
    """One option per parameter of `seedcast.schemas.messages.Style`; None if it was not given."""

    temperature: Annotated[
        float | None, _style_option(text="Sampling temperature: over 0 and up to 2.")
    ] = None
    top_p: Annotated[
        float | None,
        _style_option("--top-p", text="Probability mass to draw from: over 0 and up to 1."),
    ] = None
    top_k: Annotated[
        int | None, _style_option("--top-k", text="Tokens to draw from: 1 to 100.")
    ] = None
    repetition_penalty: Annotated[
        float | None, _style_option(text="Penalty for repeating recent tokens: 1 (none) to 2.")
    ] = None
    refine: Annotated[
        bool | None,
        _style_option("--refine/--no-refine", text="Let the engine rewrite the text first."),
    ] = None
    oral: Annotated[
        int | None, _style_option(text="Colloquial words, 0 to 9. Refines the text.")
    ] = None
    laugh: Annotated[int | None, _style_option(text="Laughter, 0 to 2. Refines the text.")] = None
    break_: Annotated[
        int | None, _style_option("--break", text="Pauses, 0 to 7. Refines the text.")
    ] = None

    def columns(self) -> dict[str, object]:
        """Return what was given, by the column in which a row would say it."""
        values = {column: getattr(self, field) for column, field in STYLE.items()}
        return {column: value for column, value in values.items() if value is not None}

    def style(self) -> Style:
        """Return what was given as a Style. Its bounds are not checked here: the producer does."""
        given = {STYLE[column]: value for column, value in self.columns().items()}
        return Style(**given)  # type: ignore[arg-type]


def _text_option(name: str, text: str) -> Any:
    return typer.Option(name, rich_help_panel="Text", help=text)


@dataclass(frozen=True, kw_only=True)
class TextOptions(StyleOptions):
    """What a text means."""

    markup: Annotated[
        bool, _text_option("--markup", "Texts and templates are markup (docs/texts.md).")
    ] = False
    locale: Annotated[
        str | None,
        _text_option(
            "--locale", f"Decides what a text leaves open (12/05): {', '.join(get_args(Locale))}."
        ),
    ] = None
    lexicon: Annotated[
        Path | None,
        _text_option("--lexicon", "TOML file: how words are said (examples/lexicon.toml)."),
    ] = None


def _file_option(name: str, text: str) -> Any:
    return typer.Option(name, rich_help_panel="File", help=text)


@dataclass(frozen=True, kw_only=True)
class ListOptions(TextOptions):
    """How a list is read and spoken, or was when it was submitted."""

    format: Annotated[
        str | None,
        _file_option(
            "--format",
            "csv, tsv, jsonl, parquet or xlsx, and csv.gz, csv.zst and so on;"
            " default: by the file's suffix.",
        ),
    ] = None
    delimiter: Annotated[
        str | None,
        _file_option("--delimiter", "Of CSV: one character, or 'tab'; default: detected."),
    ] = None
    encoding: Annotated[
        str | None,
        _file_option(
            "--encoding",
            "Of text: utf-8, utf-16, gb18030, gbk, big5 or windows-1252; default: detected.",
        ),
    ] = None
    sheet: Annotated[
        str | None, _file_option("--sheet", "Of a workbook; default: its only visible sheet.")
    ] = None
    id_column: Annotated[
        str | None, typer.Option(help="Column that names a row; default: its number.")
    ] = None
    voice_column: Annotated[
        str | None, typer.Option(help="Column with each row's voice; default: voice.")
    ] = None
    template: Annotated[
        str | None,
        typer.Option(help="Text with columns: 'Dear {name|you}, pay {amount:money:USD}.'"),
    ] = None
    voice: Voice = None
    speaker: Speaker = None
    speed: Annotated[
        float, typer.Option(min=0.5, max=2.0, help="Ratio to the voice's own pace.")
    ] = 1.0

    def submit_options(self, campaign: str, **others: Any) -> "SubmitOptions":
        """Return these as the options of a submission; `others` are its remaining fields."""
        from seedcast.producers.staging.options import SubmitOptions

        return SubmitOptions(
            campaign=campaign,
            format=self.format,
            delimiter=self.delimiter,
            encoding=self.encoding,
            sheet=self.sheet,
            id_column=self.id_column,
            voice_column=self.voice_column,
            template=self.template,
            text_format="markup" if self.markup else "plain",
            locale=self.locale,  # type: ignore[arg-type]  # the producer checks it
            lexicon=self.lexicon,
            voice=self.voice,
            speaker=self.speaker,
            speed=self.speed,
            style=self.style(),
            **others,
        )


@dataclass(frozen=True, kw_only=True)
class NewListOptions(ListOptions):
    """How a list that is not submitted yet is read, checked and spoken."""

    profile: Annotated[
        list[str] | None,
        typer.Option(help=r"Device profile; repeat for several renditions. \[default: phone]"),
    ] = None
    deadline: Annotated[
        str | None,
        typer.Option(
            help="Latest moment of the result: ISO 8601 with zone, or '2h' after the campaign's"
            " opening. What is late ends as expired, without audio."
        ),
    ] = None
    rejected: Annotated[
        Path | None,
        typer.Option(help=r"File of the wrong rows. \[default: FILE.rejected.jsonl]"),
    ] = None

    def submit_options(self, campaign: str, **others: Any) -> "SubmitOptions":
        return super().submit_options(
            campaign,
            profiles=tuple(self.profile or ("phone",)),
            deadline=self.deadline,
            rejected=self.rejected,
            **others,
        )


@dataclass(frozen=True, kw_only=True)
class UtteranceOptions(TextOptions):
    """How one text is spoken."""

    voice: Voice = "2222"
    speaker: Speaker = None
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.5,
            max=2.0,
            help="Ratio to the voice's own pace; default: 1, or what a named voice says.",
        ),
    ] = None


def expand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace the command's parameter of a StyleOptions class by one option per field.

    typer reads a command's `__signature__` and `__annotations__`, so both list the fields,
    in the place of that parameter. The command gets one instance of the class.
    """
    parameters = list(inspect.signature(command).parameters.values())
    (group,) = (p for p in parameters if _is_options(p.annotation))
    names = [field.name for field in fields(group.annotation)]

    @wraps(command)
    def run(**values: Any) -> None:
        given = {name: values.pop(name) for name in names}
        command(**values, **{group.name: group.annotation(**given)})

    index = parameters.index(group)
    parameters[index : index + 1] = _parameters(group.annotation)
    shown = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in parameters]
    run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return run


def _is_options(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, StyleOptions)


def _parameters(options: type[StyleOptions]) -> list[Parameter]:
    """Return one keyword parameter per field, with the field's default and annotation."""
    return [
        Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(options)
    ]
