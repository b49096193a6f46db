"""An object store in memory, for tests; it can be told to fail."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from seedcast.errors import MissingObject, SeedcastError
from seedcast.storage.objects import PRESIGNED, PROBE, SCHEME, ObjectInfo, Readable, parse_uri

_PIECE = 256 * 1024  # bytes


@dataclass(frozen=True)
class _Stored:
    data: bytes
    content_type: str
    modified: datetime


class MemoryStore:
    """Objects in a dict. Each error given to `fail` fails one call before it does anything."""

    def __init__(self, bucket: str = "memory") -> None:
        self._bucket = bucket
        self._objects: dict[str, _Stored] = {}
        self._failures: list[SeedcastError] = []
        self._lock = threading.Lock()

    def fail(self, *errors: SeedcastError) -> None:
        """Raise these errors from the next calls, one per call."""
        self._failures += errors

    def ensure_bucket(self, probe: str = PROBE) -> None:
        self.put(probe, b"", "application/octet-stream")

    def uri(self, key: str) -> str:
        return f"{SCHEME}{self._bucket}/{key}"

    def put(self, key: str, data: bytes, content_type: str) -> str:
        self._call()
        self._objects[self.uri(key)] = _Stored(bytes(data), content_type, datetime.now(UTC))
        return self.uri(key)

    def put_file(self, key: str, file: BinaryIO, content_type: str) -> str:
        return self.put(key, file.read(), content_type)

    def put_stream(self, key: str, stream: Readable, content_type: str) -> str:
        return self.put(key, b"".join(iter(lambda: stream.read(_PIECE), b"")), content_type)

    def pieces(self, uri: str) -> Iterator[bytes]:
        data = self.get(uri)
        yield from (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))

    def get(self, uri: str) -> bytes:
        self._call()
        parse_uri(uri)
        if uri not in self._objects:
            raise MissingObject(f"reading {uri}: no such object")
        return self._objects[uri].data

    def stat(self, uri: str) -> ObjectInfo | None:
        self._call()
        _, key = parse_uri(uri)
        stored = self._objects.get(uri)
        if stored is None:
            return None
        etag = hashlib.md5(stored.data, usedforsecurity=False).hexdigest()
        return ObjectInfo(uri, key, len(stored.data), etag, stored.modified)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        self._call()
        for uri in sorted(uri for uri in self._objects if uri.startswith(self.uri(prefix))):
            if info := self.stat(uri):
                yield info

    def presign(self, uri: str, expires: timedelta = PRESIGNED) -> str:
        bucket, key = parse_uri(uri)
        return f"memory://{bucket}/{key}?expires={int(expires.total_seconds())}"

    def delete(self, uri: str) -> None:
        self._call()
        parse_uri(uri)
        self._objects.pop(uri, None)

    def _call(self) -> None:
        with self._lock:
            if self._failures:
                raise self._failures.pop(0)
