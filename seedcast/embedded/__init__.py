"""A real Kafka broker and S3 endpoint on this machine; needs no Docker and no installed Java."""

from seedcast.embedded.processes import Process
from seedcast.embedded.stack import Stack
from seedcast.embedded.stack_state import connected, is_embedded

__all__ = ["Process", "Stack", "connected", "is_embedded"]
