"""What Seedcast asks of an object store, and where an audio object lies in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from seedcast.errors import InvalidInput

SCHEME = "s3://"
NO_CAMPAIGN = "_none"  # a campaign id begins with a letter or a digit, so none can take this prefix
PRESIGNED = timedelta(hours=1)


@dataclass(frozen=True)
class ObjectInfo:
    """One object as the store lists it."""

    uri: str  # s3://bucket/key
    key: str
    size: int  # bytes
    etag: str
    modified: datetime


class ObjectStore(Protocol):
    """One bucket. Every method may raise StoreUnavailable; several threads may share one store."""

    def ensure_bucket(self) -> None:
        """Makes the bucket where it is missing. Raises CredentialsRefused or InvalidSettings: it belongs to the start."""

    def uri(self, key: str) -> str:
        """Where an object of that key lies, without asking the store."""

    def put(self, key: str, data: bytes, content_type: str) -> str:
        """Stores the object whole, replacing one of the same key; returns its URI."""

    def get(self, uri: str) -> bytes:
        """Raises MissingObject."""

    def stat(self, uri: str) -> ObjectInfo | None:
        """None where there is no such object."""

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key begins with the prefix, in no promised order."""

    def presign(self, uri: str, expires: timedelta = PRESIGNED) -> str:
        """A URL that anybody can GET until it expires."""

    def delete(self, uri: str) -> None:
        """Deleting what is not there is no error."""


def object_key(campaign_id: str | None, sha256: str, suffix: str) -> str:
    """Content-addressed under the campaign's prefix; the two digits keep folders small where keys are files."""
    return f"{campaign_id or NO_CAMPAIGN}/{sha256[:2]}/{sha256}.{suffix}"


def parse_uri(uri: str) -> tuple[str, str]:
    """Bucket and key. Raises InvalidInput."""
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket or not key:
        raise InvalidInput("address of an object", expected="s3://bucket/key", got=repr(uri))
    return bucket, key
