"""The options that say how a text is spoken, once for every command that speaks or submits. Their bounds are the schema's, judged with the rows."""

from collections.abc import Mapping
from typing import Annotated

import typer

from schemas.messages import Style
from seedcast.catalog.voices import STYLE

_PANEL = "Style"

Voice = Annotated[
    str | None, typer.Option(help="Voice seed, or a name of the voices file (`seedcast voices`).")
]
Speaker = Annotated[
    str | None,
    typer.Option(
        help="ChatTTS speaker string: it sets the timbre; the voice seed still makes the draws."
    ),
]
Temperature = Annotated[
    float | None, typer.Option(rich_help_panel=_PANEL, help="Of the sampling: over 0 and up to 2.")
]
TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p", rich_help_panel=_PANEL, help="Probability mass to draw from: over 0 and up to 1."
    ),
]
TopK = Annotated[
    int | None,
    typer.Option("--top-k", rich_help_panel=_PANEL, help="Tokens to draw from: 1 to 100."),
]
RepetitionPenalty = Annotated[
    float | None,
    typer.Option(rich_help_panel=_PANEL, help="Against repeating recent tokens: 1 (none) to 2."),
]
Refine = Annotated[
    bool | None,
    typer.Option(
        "--refine/--no-refine",
        rich_help_panel=_PANEL,
        help="Let the engine rewrite the text first.",
    ),
]
Oral = Annotated[
    int | None,
    typer.Option(rich_help_panel=_PANEL, help="Colloquial words, 0 to 9; refines the text."),
]
Laugh = Annotated[
    int | None, typer.Option(rich_help_panel=_PANEL, help="Laughter, 0 to 2; refines the text.")
]
Break = Annotated[
    int | None,
    typer.Option("--break", rich_help_panel=_PANEL, help="Pauses, 0 to 7; refines the text."),
]


def given(
    *,
    temperature: float | None,
    top_p: float | None,
    top_k: int | None,
    repetition_penalty: float | None,
    refine: bool | None,
    oral: int | None,
    laugh: int | None,
    break_: int | None,
) -> dict[str, object]:
    """What was asked for, by column, as a row could say it."""
    asked = {
        "temperature": temperature,
        "top_p": top_p,
        "top_k": top_k,
        "repetition_penalty": repetition_penalty,
        "refine": refine,
        "oral": oral,
        "laugh": laugh,
        "break": break_,
    }
    return {name: value for name, value in asked.items() if value is not None}


def asked(context: typer.Context) -> dict[str, object]:
    """The same, of the command that runs."""
    return given(**{name: context.params[name] for name in STYLE.values()})


def style(asked: Mapping[str, object]) -> Style:
    """Not judged yet: the bounds are a producer's to check."""
    return Style(**{STYLE[name]: value for name, value in asked.items()})  # type: ignore[arg-type]
