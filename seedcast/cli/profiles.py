"""`profiles`: the device profiles in force."""

import msgspec

from seedcast.catalog import profiles as catalog
from seedcast.catalog.formats import HAS_BITRATE
from seedcast.catalog.profiles import Profile
from seedcast.cli.base import Json, app, emit, load
from seedcast.cli.tables import show

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
# What is rarely chosen by hand.
STACKED_FIRST = ("resampler", "speech", "fade s", "padding s", "denoise")


@app.command(rich_help_panel="Daily work")
def profiles(as_json: Json = False) -> None:
    """List the device profiles: the built-in ones and those of SEEDCAST_POSTPROCESS_PROFILES."""
    in_force = catalog.load(load().postprocess).values()
    if as_json:
        for profile in in_force:
            emit(msgspec.to_builtins(profile))
        return
    show(COLUMNS, map(cells, in_force), stacked_first=STACKED_FIRST)


def cells(p: Profile) -> tuple[str, ...]:
    """Return one cell per column of COLUMNS, as text."""
    return (
        p.name,
        p.format,
        f"{p.sample_rate:,}",
        f"{p.bitrate:,}" if p.format in HAS_BITRATE else "–",
        *_trimming(p),
        f"under {p.snr:g} dB" if p.denoise == "auto" else p.denoise,
        f"{p.band[0]:g}–{p.band[1]:g}" if p.band else "all",
        "as it is" if p.compression == 1 else f"{p.compression:g}:1",
        _level(p.loudness),
        _level(p.true_peak),
        p.resampler,
    )


def _trimming(p: Profile) -> tuple[str, str, str]:
    """Return padding, fade and speech threshold. Without trimming there is none of them."""
    if p.trim == "off":
        return "no trim", "–", "–"
    pauses = f", pauses {p.max_pause:g}" if p.max_pause else ""
    return f"{p.padding:g}{pauses}", f"{p.fade:g}", f"{p.speech:g}"


def _level(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
