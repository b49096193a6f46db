"""One parser for each column and option: a cell's value to a field of the request. Pure."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from seedcast.catalog.voices import STYLE, Voices
from seedcast.producers.rows import values
from seedcast.producers.rows.template import Template, compile_template
from seedcast.producers.rows.values import InvalidValue

Parser = Callable[[Any], Any]  # raises InvalidValue


def parsers(created_at: datetime, profiles: frozenset[str], voices: Voices) -> dict[str, Parser]:
    """Return the parsers by column name.

    They cache: a list has few distinct voices, profiles and deadlines, and each is parsed once.
    `created_at`: when the campaign was opened; a deadline given as a duration counts from it.
    """
    parse_profiles = partial(values.profiles, known=profiles)
    table: dict[str, Parser] = {
        "voice": partial(values.voice, known=voices),
        "voice_seed": values.voice_seed,
        "speaker": values.speaker,
        "speed": values.speed,
        "profile": parse_profiles,
        "profiles": parse_profiles,
        "deadline": partial(values.deadline, created_at=created_at),
        "priority": values.priority,
        "text_format": values.text_format,
        "locale": values.locale,
        **{name: partial(values.style, name) for name in STYLE},
    }
    return {name: lru_cache(maxsize=1024, typed=True)(parser) for name, parser in table.items()}


def parse_template(source: object, markup: bool = False) -> Template:
    """Compile a template, whose own text is `markup` or plain. Raises InvalidValue."""
    expected = "a template such as 'Hello {name}'"
    if not isinstance(source, str):
        raise InvalidValue(expected, got=type(source).__name__)
    try:
        return compile_template(values.require_utf8(source), markup)
    except ValueError as error:
        raise InvalidValue(expected, got=str(error)) from None
