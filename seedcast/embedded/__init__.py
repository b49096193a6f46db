"""A real Kafka broker and a real S3 endpoint on this machine, without Docker and without Java installed."""

from seedcast.embedded.processes import Process
from seedcast.embedded.stack import Stack
from seedcast.embedded.stack_state import connected, is_embedded

__all__ = ["Process", "Stack", "connected", "is_embedded"]
