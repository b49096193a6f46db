"""Seedcast: lists of personalised texts become delivered speech.

What this module exports is the Python interface; `seedcast.errors` has what it raises. A name is
loaded when it is first used, so that `import seedcast` is quick and needs neither torch nor Faust.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedcast.client import Client, submit, subscribe
    from seedcast.producers.events.options import SendOptions, SendReceipt
    from seedcast.producers.staging.options import (
        Rejection,
        SubmitOptions,
        SubmitProgress,
        SubmitReport,
    )
    from seedcast.schemas.messages import Rendition, SpeechRequest, SpeechResult, Style

_HOMES = {
    "Client": "seedcast.client",
    "Rejection": "seedcast.producers.staging.options",
    "Rendition": "seedcast.schemas.messages",
    "SendOptions": "seedcast.producers.events.options",
    "SendReceipt": "seedcast.producers.events.options",
    "SpeechRequest": "seedcast.schemas.messages",
    "SpeechResult": "seedcast.schemas.messages",
    "Style": "seedcast.schemas.messages",
    "SubmitOptions": "seedcast.producers.staging.options",
    "SubmitProgress": "seedcast.producers.staging.options",
    "SubmitReport": "seedcast.producers.staging.options",
    "submit": "seedcast.client",
    "subscribe": "seedcast.client",
}
__version__ = "0.1.0"
__all__ = [
    "Client",
    "Rejection",
    "Rendition",
    "SendOptions",
    "SendReceipt",
    "SpeechRequest",
    "SpeechResult",
    "Style",
    "SubmitOptions",
    "SubmitProgress",
    "SubmitReport",
    "__version__",
    "submit",
    "subscribe",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'seedcast' has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(_HOMES[name]), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
