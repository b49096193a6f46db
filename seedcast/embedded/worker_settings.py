"""What a background worker was started with, so that `up` can tell it from what is asked for now.

A worker reads its settings, and the files that they name, once: at its start.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

from seedcast.settings import Settings, table

_NOT_OURS = {  # by kind of worker: settings that only other kinds read
    "feeder": (
        "gpu.",
        "postprocess.",
        "index.",
        "accounts.",
        "gateway.",
        "voices",
        "lexicon",
        "locale",
    ),
    "gpu-consumer": ("feeder.", "postprocess.", "index.", "accounts.", "gateway."),
    "postprocess": ("feeder.", "gpu.", "index.", "accounts.", "gateway.", "lexicon", "locale"),
    "indexer": (
        "feeder.",
        "gpu.",
        "postprocess.",
        "accounts.",
        "gateway.",
        "voices",
        "lexicon",
        "locale",
    ),
    "gateway": ("feeder.", "gpu."),
}
_FILES = ("voices", "lexicon", "postprocess.profiles")
_SHARED = {"gpu-consumer": "postprocess.profiles"}  # admission needs them, too


def described(settings: Settings, kind: str) -> dict[str, str]:
    """Returns the settings that a worker of this kind reads: variable and value.

    Of a secret, and of a file, the value ends in a part of its hash.
    """
    return {
        variable: _text(settings, path)
        for variable, path, *_ in table()
        if path != "home" and (path == _SHARED.get(kind) or not path.startswith(_NOT_OURS[kind]))
    }


def differences(wanted: Mapping[str, str], running: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yields (VARIABLE=wanted, VARIABLE=running) for each setting that differs."""
    for variable, value in wanted.items():
        if (other := running.get(variable, "")) != value:
            yield f"{variable}={value}", f"{variable}={other}"


def _text(settings: Settings, path: str) -> str:
    section, _, field = path.rpartition(".")
    holder: BaseModel = getattr(settings, section) if section else settings
    value = getattr(holder, field)
    if isinstance(value, SecretStr):
        return f"(secret {_hash(value.get_secret_value().encode())})"
    if isinstance(value, dict):  # an option of librdkafka may be a secret under any name
        return f"({', '.join(sorted(value))} {_hash(repr(sorted(value.items())).encode())})"
    if path in _FILES and value and Path(value).is_file():
        return f"{value} ({_hash(Path(value).read_bytes())})"
    return str(value)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
