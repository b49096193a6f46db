"""What a file's name says of its content: its ending chooses, or the command refuses."""

from collections.abc import Mapping
from pathlib import Path

from seedcast.catalog import formats
from seedcast.errors import InvalidInput


def choose(
    output: Path, available: Mapping[str, str], wanted: str | None, prefer: str | None = None
) -> str:
    """Return the profile whose audio the file's name promises.

    `available` is the usual ending of each profile's files, without the dot. That is `wanted`, or
    `prefer` if it fits, or else the first that fits. A name without an ending fits every profile.

    Raises InvalidInput for an unknown profile, and where none fits.
    """
    if wanted is not None and wanted not in available:
        raise InvalidInput("--profile", expected=f"one of {', '.join(available)}", got=wanted)
    suffix = output.suffix.lower()
    fitting = [name for name, ending in available.items() if suffix in ("", *_endings(ending))]
    asked = [wanted] if wanted else [prefer, *fitting]
    for name in asked:
        if name in fitting:
            return name
    raise _none_fits(output, available, wanted, fitting)


def _none_fits(
    output: Path, available: Mapping[str, str], wanted: str | None, fitting: list[str]
) -> InvalidInput:
    asked = [wanted] if wanted else available
    shown = ", ".join(f"{name} ({', '.join(_endings(available[name]))})" for name in asked)
    return InvalidInput(
        str(output),
        expected=f"a name whose ending fits its audio: {shown}",
        got=output.suffix,
        remedy=f"for {output.suffix}, choose --profile {' or '.join(fitting)}" if fitting else "",
    )


def require_ending(output: Path, ending: str) -> None:
    """Raise InvalidInput if the file's name has another ending. No ending says nothing."""
    if output.suffix.lower() not in ("", ending):
        raise InvalidInput(str(output), expected=f"a name that ends in {ending}", got=output.suffix)


def _endings(ending: str) -> tuple[str, ...]:
    return tuple(f".{each}" for each in formats.endings(ending))
