"""`voices`: the names that lists may use instead of seeds."""

import msgspec
from rich.table import Table
from rich.text import Text

from seedcast.catalog import voices as table_of_voices
from seedcast.catalog.voices import Voice
from seedcast.cli.base import Json, app, emit, err, out
from seedcast.settings import load

_COLUMNS = ("voice", "seed", "speaker", "speed", "style", "language", "description")


@app.command(rich_help_panel="Daily work")
def voices(as_json: Json = False) -> None:
    """List the named voices of the file that SEEDCAST_VOICES names."""
    settings = load()
    found = table_of_voices.load(settings)
    if as_json:
        for voice in found.values():
            emit(msgspec.to_builtins(voice))
        return
    if not found:
        err.print(
            f"no voices in {settings.voices}"
            if settings.voices
            else "no voices file; SEEDCAST_VOICES names one, and examples/voices.toml shows its form"
        )
        return
    table = Table(*_COLUMNS, box=None, pad_edge=False)
    for voice in found.values():
        table.add_row(*map(Text, _cells(voice)))
    out.print(table)


def _cells(voice: Voice) -> tuple[str, ...]:
    """Empty where a voice leaves the list's; a speaker string is named by its length, since nobody reads it."""
    style = " ".join(f"{name}={value}" for name, value in voice.style.items())
    speaker = f"{len(voice.speaker):,} characters" if voice.speaker else ""
    numbers = (
        "" if value is None else f"{value}" for value in (voice.seed, speaker or None, voice.speed)
    )
    return (voice.name, *numbers, style, voice.language or "", voice.description)
