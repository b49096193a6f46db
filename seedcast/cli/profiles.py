"""`profiles`: the device profiles in force."""

import msgspec
from rich.table import Table

from seedcast.catalog import profiles as table_of_profiles
from seedcast.catalog.profiles import Profile
from seedcast.cli.base import Json, app, emit, out
from seedcast.settings import load

COLUMNS = (
    "profile",
    "format",
    "rate Hz",
    "bits/s",
    "padding s",
    "fade s",
    "speech",
    "denoise",
    "band Hz",
    "dynamics",
    "LUFS",
    "dBTP",
    "resampler",
)


@app.command(rich_help_panel="Daily work")
def profiles(as_json: Json = False) -> None:
    """List the device profiles: the built-in rows, and those of the file that SEEDCAST_POSTPROCESS_PROFILES names."""
    found = table_of_profiles.load(load().postprocess)
    if as_json:
        for profile in found.values():
            emit(msgspec.to_builtins(profile))
        return
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for profile in found.values():
        table.add_row(*cells(profile))
    out.print(table)


def cells(p: Profile) -> tuple[str, ...]:
    """One a column. Without trimming there is no padding, no fade and no speech to look for."""
    bits = f"{p.bitrate:,}" if p.format in ("ogg-opus", "mp3") else "–"
    pauses = f", pauses {p.max_pause:g}" if p.max_pause else ""
    trim = (
        ("no trim", "–", "–")
        if p.trim == "off"
        else (f"{p.padding:g}{pauses}", f"{p.fade:g}", f"{p.speech:g}")
    )
    denoise = f"under {p.snr:g} dB" if p.denoise == "auto" else p.denoise
    band = f"{p.band[0]:g}–{p.band[1]:g}" if p.band else "all"
    dynamics = "as it is" if p.compression == 1 else f"{p.compression:g}:1"
    return (
        p.name,
        p.format,
        f"{p.sample_rate:,}",
        bits,
        *trim,
        denoise,
        band,
        dynamics,
        _level(p.loudness),
        _level(p.true_peak),
        p.resampler,
    )


def _level(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
