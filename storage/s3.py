"""An object store on any S3 server, through the minio SDK with our own connection pool.

minio's default pool waits five minutes for a frozen server and keeps ten connections.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import BinaryIO, cast

import urllib3
from minio import Minio
from minio.datatypes import Object
from minio.error import MinioException

from seedcast.errors import InvalidSettings, MissingObject
from seedcast.settings import S3Settings
from seedcast.storage.credentials import provider
from seedcast.storage.error_mapping import FOREIGN, s3_code, translate
from seedcast.storage.objects import (
    PRESIGNED,
    PROBE,
    SCHEME,
    ObjectInfo,
    Readable,
    parse_uri,
    require_link_time,
)

# Another process created the bucket a moment earlier.
_EXISTS = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
_PAGE = 1000  # objects that a server lists at once
_PIECE = 256 * 1024  # bytes of a download in memory
_MIN_PART = 5 * 1024 * 1024  # bytes; S3's least part size, which minio insists on


class S3Store:
    def __init__(self, settings: S3Settings) -> None:
        """Prepare a client without connecting.

        Until the store has answered a first call, refused keys and wrong settings are fatal: there
        is no work yet that must not be lost.

        Raises InvalidSettings for an endpoint that is not valid, CredentialsRefused if a key is
        missing.
        """
        self._settings, self._bucket = settings, settings.bucket
        self._starting = True
        if not settings.endpoint:
            raise InvalidSettings(
                "no S3 endpoint is configured",
                remedy="set SEEDCAST_S3_ENDPOINT, or start the embedded stack with `seedcast up`",
            )
        self._provider = provider(settings, _pool(settings))
        with self._mapped(f"addressing {settings.endpoint!r}"):
            self._client = self._connect(settings.endpoint)
            public = settings.public_endpoint
            self._public = self._connect(public) if public else self._client

    def _connect(self, endpoint: str) -> Minio:
        host, secure = _endpoint(endpoint, self._settings.secure)
        return Minio(
            host,
            secure=secure,
            region=self._settings.region,
            credentials=self._provider,
            http_client=_pool(self._settings),
        )

    def ensure_bucket(self, probe: str = PROBE) -> None:
        """Write an empty object, in a bucket that is made if there is none.

        It shows what a worker will need: its key, the region, and the right to write. A look at
        the bucket would need another right, and its refusal has no body that says why.
        """
        with self._mapped(f"writing to bucket {self._bucket!r}", "s3:PutObject", probe):
            try:
                self._put(probe, b"", "application/octet-stream")
            except MinioException as error:
                if s3_code(error) != "NoSuchBucket":
                    raise
                self._make_bucket()
                self._put(probe, b"", "application/octet-stream")

    def _make_bucket(self) -> None:
        with self._mapped(f"making bucket {self._bucket!r}, which is missing", "s3:CreateBucket"):
            try:
                self._client.make_bucket(self._bucket, self._settings.region)
            except MinioException as error:
                if s3_code(error) not in _EXISTS:
                    raise

    def has_bucket(self) -> bool:
        """Return True if the bucket exists. Creates nothing. Raises as `ensure_bucket` does."""
        with self._mapped(f"looking for bucket {self._bucket!r}", "s3:ListBucket"):
            return bool(self._client.bucket_exists(self._bucket))

    def uri(self, key: str) -> str:
        return f"{SCHEME}{self._bucket}/{key}"

    def put(self, key: str, data: bytes, content_type: str) -> str:
        with self._mapped(f"storing {key}", "s3:PutObject", key):
            self._put(key, data, content_type)
        return self.uri(key)

    def put_file(self, key: str, file: BinaryIO, content_type: str) -> str:
        size = os.fstat(file.fileno()).st_size - file.tell()
        with self._mapped(f"storing {key}", "s3:PutObject", key):
            self._client.put_object(self._bucket, key, file, size, content_type)
        return self.uri(key)

    def _put(self, key: str, data: bytes, content_type: str) -> None:
        # A part as large as the object makes one PUT: one round trip, never half an object.
        self._client.put_object(
            self._bucket,
            key,
            io.BytesIO(data),
            len(data),
            content_type,
            part_size=max(len(data), _MIN_PART),
        )

    def put_stream(self, key: str, stream: Readable, content_type: str) -> str:
        with self._mapped(f"storing {key}", "s3:PutObject", key):
            self._client.put_object(
                self._bucket,
                key,
                cast(BinaryIO, stream),  # minio only reads
                -1,
                content_type,
                part_size=_MIN_PART,
                num_parallel_uploads=1,  # each one more would hold a part in memory
            )
        return self.uri(key)

    def get(self, uri: str) -> bytes:
        bucket, key = parse_uri(uri)
        with self._mapped(f"reading {uri}", "s3:GetObject", key, may_miss=True):
            response = self._client.get_object(bucket, key)
            try:
                return bytes(response.data)
            finally:
                response.close()
                response.release_conn()

    def pieces(self, uri: str) -> Iterator[bytes]:
        bucket, key = parse_uri(uri)
        with self._mapped(f"reading {uri}", "s3:GetObject", key, may_miss=True):
            response = self._client.get_object(bucket, key)
            try:
                yield from response.stream(_PIECE)
            finally:
                response.close()
                response.release_conn()

    def stat(self, uri: str) -> ObjectInfo | None:
        bucket, key = parse_uri(uri)
        try:
            with self._mapped(f"looking up {uri}", "s3:GetObject", key, may_miss=True):
                return _info(self._client.stat_object(bucket, key))
        except MissingObject:
            return None

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        with self._mapped(f"listing {self.uri(prefix)}", "s3:ListBucket"):
            yield from map(_info, self._entries(prefix))

    def _entries(self, prefix: str) -> Iterator[Object]:
        """List one page at once, and more than a page folder by folder.

        For each page rclone reads everything under the prefix: to page through it all is quadratic.
        """
        page = list(islice(self._client.list_objects(self._bucket, prefix, recursive=True), _PAGE))
        if len(page) < _PAGE:
            yield from page
            return
        for entry in self._client.list_objects(self._bucket, prefix):
            folder = entry.object_name or ""
            # An object may have the name of its folder, which would then list itself for ever.
            if entry.is_dir and folder != prefix:
                yield from self._entries(folder)
            else:
                yield entry

    def presign(self, uri: str, expires: timedelta = PRESIGNED) -> str:
        bucket, key = parse_uri(uri)
        require_link_time(expires)
        with self._mapped(f"signing a link to {uri}"):
            return str(self._public.presigned_get_object(bucket, key, expires))

    def delete(self, uri: str) -> None:
        bucket, key = parse_uri(uri)
        try:
            with self._mapped(f"deleting {uri}", "s3:DeleteObject", key, may_miss=True):
                self._client.remove_object(bucket, key)
        except MissingObject:
            return

    @contextmanager
    def _mapped(
        self, doing: str, action: str = "", key: str = "", *, may_miss: bool = False
    ) -> Iterator[None]:
        """Raises Seedcast's errors for foreign ones. `action`: the right it needs, by S3's name."""
        try:
            yield
        except FOREIGN as error:
            raise translate(
                error,
                doing,
                starting=self._starting,
                may_miss=may_miss,
                address=self._settings.endpoint,
                right=self._right(action, key),
            ) from error
        if action:
            self._starting = False

    def _right(self, action: str, key: str) -> str:
        where = f"{self._bucket}/{key}" if key else self._bucket
        who = f"the access key {self._settings.access_key}" if self._settings.access_key else "us"
        return f"{action} on {where} for {who}" if action else ""


def _endpoint(endpoint: str, secure: bool) -> tuple[str, bool]:
    """Return host:port and True for https. A scheme in the endpoint overrides the setting."""
    scheme, separator, host = endpoint.rpartition("://")
    return host.rstrip("/"), scheme == "https" if separator else secure


def _pool(settings: S3Settings) -> urllib3.PoolManager:
    # Every call is idempotent, a PUT of a whole object too, so each may be repeated.
    retry = urllib3.Retry(
        total=settings.retries,
        backoff_factor=0.2,
        status_forcelist=(500, 502, 503, 504),
        allowed_methods=None,
        raise_on_status=False,
    )
    return urllib3.PoolManager(
        maxsize=settings.concurrency,
        timeout=urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout),
        cert_reqs="CERT_REQUIRED",  # against the system's authorities, or those of SSL_CERT_FILE
        retries=retry,
    )


def _info(entry: Object) -> ObjectInfo:
    """Convert minio's entry. Its fields are optional because it also lists prefixes."""
    return ObjectInfo(
        uri=f"{SCHEME}{entry.bucket_name}/{entry.object_name}",
        key=entry.object_name or "",
        size=entry.size or 0,
        etag=(entry.etag or "").strip('"'),
        modified=entry.last_modified or datetime.min.replace(tzinfo=UTC),
    )
