"""`voices`: the names that lists may use instead of seeds."""

from typing import TYPE_CHECKING

import msgspec

from seedcast.catalog import voices as catalog
from seedcast.catalog.voices import Voice
from seedcast.cli.base import Json, app, emit, err, load
from seedcast.cli.tables import show

if TYPE_CHECKING:
    from seedcast.settings import Settings

COLUMNS = ("voice", "seed", "speaker", "speed", "style", "language", "description")


@app.command(rich_help_panel="Daily work")
def voices(as_json: Json = False) -> None:
    """List the named voices of the file that SEEDCAST_VOICES names."""
    settings = load()
    named = catalog.load(settings)
    if as_json:
        for voice in named.values():
            emit(msgspec.to_builtins(voice))
    elif not named:
        err.print(_none(settings))
    else:
        show(COLUMNS, map(_cells, named.values()))


def _none(settings: "Settings") -> str:
    if settings.voices:
        return f"no voices in {settings.voices}"
    return "no voices file; SEEDCAST_VOICES names one, and examples/voices.toml shows its form"


def _cells(voice: Voice) -> tuple[str, ...]:
    """Return one cell per column of COLUMNS; empty where the voice keeps the list's value.

    A speaker string is shown by its length, since nobody reads it.
    """
    return (
        voice.name,
        "" if voice.seed is None else f"{voice.seed}",
        f"{len(voice.speaker):,} characters" if voice.speaker else "",
        "" if voice.speed is None else f"{voice.speed}",
        " ".join(f"{name}={value}" for name, value in voice.style.items()),
        voice.language or "",
        voice.description,
    )
