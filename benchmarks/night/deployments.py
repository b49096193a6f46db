"""Deployments beside each other on one stack: topics, groups and a bucket of their own, so that no campaign of one is read for another."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seedcast.embedded import Stack
from seedcast.kafka import Admin
from seedcast.settings import Settings
from storage.s3 import S3Store


@contextmanager
def running_stack() -> Iterator[Stack]:
    """An embedded stack in a temporary folder, which is its home."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


def deployment(settings: Settings, name: str, partitions: int = 8) -> Settings:
    """With its topics and its bucket made."""
    kafka = settings.kafka.model_copy(update={"prefix": name, "partitions": partitions})
    s3 = settings.s3.model_copy(update={"bucket": name})
    own = settings.model_copy(update={"kafka": kafka, "s3": s3})
    Admin(own).ensure_topics()
    S3Store(own.s3).ensure_bucket()
    return own


def environment(settings: Settings) -> dict[str, str]:
    """What a process needs to serve this deployment; settings of the machine's own stay out."""
    kafka, s3 = settings.kafka, settings.s3
    own = {
        "HOME": str(settings.home),
        "KAFKA_BOOTSTRAP": kafka.bootstrap,
        "KAFKA_PREFIX": kafka.prefix,
        "S3_ENDPOINT": s3.endpoint,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key.get_secret_value(),
        "S3_BUCKET": s3.bucket,
        "LOG_LEVEL": "warning",
    }
    return {
        name: value for name, value in os.environ.items() if not name.startswith("SEEDCAST_")
    } | {f"SEEDCAST_{name}": value for name, value in own.items()}
