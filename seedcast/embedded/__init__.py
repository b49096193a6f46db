"""A real Kafka broker and S3 endpoint on this machine; needs no Docker and no installed Java.

`Stack` and `Process` are loaded when they are first used: every command asks whether its servers
are embedded, and few start or stop them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seedcast.embedded.connection import connected, is_embedded, refuse_other_servers

if TYPE_CHECKING:
    from seedcast.embedded.processes import Process
    from seedcast.embedded.stack import Stack
else:
    _HOMES = {"Process": "seedcast.embedded.processes", "Stack": "seedcast.embedded.stack"}

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, getattr(import_module(_HOMES[name]), name))


__all__ = ["Process", "Stack", "connected", "is_embedded", "refuse_other_servers"]
