"""Messages in the languages that the page speaks, from one file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from starlette.requests import Request

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)  # the first where no other is asked for
NAMES: dict[Language, str] = {"en": "English", "zh": "中文"}
COOKIE = "seedcast-language"
FILE = Path(__file__).parent / "catalog.toml"


class Catalog:
    def __init__(self, file: Path = FILE) -> None:
        """Raises OSError, and ValueError for what is no catalog: it is a part of the program."""
        sections = tomllib.loads(file.read_text(encoding="utf-8"))
        self.messages: dict[str, Mapping[str, str]] = {
            f"{section}.{name}": texts
            for section, entries in sections.items()
            for name, texts in entries.items()
        }

    def __contains__(self, name: str) -> bool:
        return name in self.messages

    def say(self, language: Language, name: str, **values: object) -> str:
        """Return a message with these values in it. Raises KeyError for one that is not there."""
        return self.messages[name][language].format(**values)


def chosen(request: Request) -> Language:
    """Return the language of the switch, or else the one that the browser likes best."""
    if (cookie := request.cookies.get(COOKIE)) in LANGUAGES:
        return cookie
    liked = sorted(_liked(request.headers.get("accept-language", "")), reverse=True)
    return next((language for _, _, language in liked), LANGUAGES[0])


def _liked(header: str) -> list[tuple[float, int, Language]]:
    """Return weight, place from the end, and language of what a browser accepts of ours."""
    found = list[tuple[float, int, Language]]()
    for place, part in enumerate(header.split(",")):
        tag, _, weight = part.strip().partition(";q=")
        primary = tag.strip().lower().partition("-")[0]
        for language in LANGUAGES:
            if language == primary and (share := _weight(weight)):
                found.append((share, -place, language))
    return found


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
