"""The object store's interface, and the keys and URIs of audio objects."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

from seedcast.errors import InvalidInput

SCHEME = "s3://"
NO_CAMPAIGN = "_none"  # a campaign id begins with a letter or a digit, so none can take this prefix
PROBE = "_seedcast/probe"  # the key of an empty object, written at the start
PRESIGNED = timedelta(hours=1)
_LONGEST_LINK = timedelta(days=7)  # S3's own limit


@dataclass(frozen=True)
class ObjectInfo:
    """One object, as the store lists it."""

    uri: str  # s3://bucket/key
    key: str
    size: int  # bytes
    etag: str
    modified: datetime


class Readable(Protocol):
    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at the end."""


class ObjectStore(Protocol):
    """One bucket. Every method may raise StoreUnavailable. Threads may share one store."""

    def ensure_bucket(self, probe: str = PROBE) -> None:
        """Write an empty object, in a bucket that is made if there is none.

        Call it at the start only: it shows that the key and the rights suffice.

        Raises CredentialsRefused, InvalidSettings.
        """

    def uri(self, key: str) -> str:
        """Return the URI of an object with that key, without a call to the store."""

    def put(self, key: str, data: bytes, content_type: str) -> str:
        """Store the object whole, replacing one of the same key, and return its URI."""

    def put_file(self, key: str, file: BinaryIO, content_type: str) -> str:
        """Store the rest of a file as an object, as `put` does, without holding it in memory."""

    def put_stream(self, key: str, stream: "Readable", content_type: str) -> str:
        """Store what a stream of unknown length gives until it ends, as `put` does, in parts.

        What the stream raises is raised here, and then nothing is stored.
        """

    def get(self, uri: str) -> bytes:
        """Return the object's bytes. Raises MissingObject."""

    def pieces(self, uri: str) -> Iterator[bytes]:
        """Return the object's bytes piece by piece. Raises MissingObject, here or in the first."""

    def stat(self, uri: str) -> ObjectInfo | None:
        """Return the object's entry, or None if there is no such object."""

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object whose key begins with the prefix, in any order."""

    def presign(self, uri: str, expires: timedelta = PRESIGNED) -> str:
        """Return a URL that anybody can GET until it expires."""

    def delete(self, uri: str) -> None:
        """Delete the object. A missing object is no error."""


def object_key(campaign_id: str | None, sha256: str, suffix: str) -> str:
    """Return the key of an audio object: its hash, under the campaign's prefix.

    The two digits keep folders small in a store whose keys are files.
    """
    return f"{campaign_id or NO_CAMPAIGN}/{sha256[:2]}/{sha256}.{suffix}"


def parse_uri(uri: str) -> tuple[str, str]:
    """Split a URI into bucket and key. Raises InvalidInput."""
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket or not key:
        raise InvalidInput("URI of an object", expected="s3://bucket/key", got=repr(uri))
    return bucket, key


def require_link_time(expires: timedelta) -> None:
    """Raises InvalidInput if S3 signs no link for so long."""
    if not timedelta(seconds=1) <= expires <= _LONGEST_LINK:
        raise InvalidInput(
            "how long a link is valid", expected="1 second to 7 days", got=str(expires)
        )
