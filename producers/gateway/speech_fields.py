"""The body of a speech as columns of a row: one code for single speeches and for batches. Pure."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec

from seedcast.errors import InvalidEvent
from seedcast.producers.gateway import problems
from seedcast.producers.gateway.problems import Problem, wrong
from seedcast.producers.gateway.wire import FORMATS, MODELS, SpeechBody
from seedcast.producers.rows.columns import METADATA
from seedcast.producers.rows.values import InvalidValue
from seedcast.producers.rows.values import deadline as instant_of

_FIELDS = {"text": "input", "profiles": "response_format"}  # of a body, by our column


def fields_of(
    body: SpeechBody, profiles: Collection[str], deadline: datetime | None
) -> dict[str, object]:
    """Return what the body says, by our columns. Raises Problem for a wrong model or profile."""
    if body.model not in MODELS:
        message = f"model: expected {', '.join(MODELS)}, got {body.model[:100]!r}"
        raise Problem(404, "model_not_found", message, param="model")
    style: dict[str, object] = msgspec.to_builtins(body.style)
    fields: dict[str, Any] = {
        "text": body.input,
        "voice": body.voice,
        "speed": body.speed,
        "profiles": _profile(body, profiles),
        "deadline": deadline,
        "locale": body.locale,
        "text_format": body.text_format,
        **style,
    }
    metadata = {METADATA + name: value for name, value in body.metadata.items()}
    return {name: value for name, value in fields.items() if value is not None} | metadata


def deadline_of(text: str, now: datetime) -> datetime:
    """Return the instant of a body's deadline; a duration counts from `now`. Raises Problem 400."""
    try:
        return instant_of(text, now)
    except InvalidValue as error:
        raise wrong("deadline", f"{error.expected}, got {error.got}") from None


def problem_of(error: InvalidEvent) -> Problem:
    """Return the problem with the name that its field has in a body."""
    field = _FIELDS.get(error.field, error.field)
    return problems.of(InvalidEvent(field, expected=error.expected, got=error.got))


def _profile(body: SpeechBody, profiles: Collection[str]) -> str:
    if body.profile is None:
        return FORMATS[body.response_format or "mp3"]
    if body.response_format is not None:
        message = "expected a response_format or a profile, got both"
        raise Problem(400, "invalid_request", message, param="profile")
    if body.profile not in profiles:
        message = f"profile: expected one of {', '.join(sorted(profiles))}"
        raise Problem(400, "unknown_profile", message, param="profile")
    return body.profile
