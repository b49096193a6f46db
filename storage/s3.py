"""An object store on any S3 server, through the minio SDK with our own connection pool.

minio's default pool waits five minutes for a frozen server and keeps ten connections.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice

import urllib3
from minio import Minio
from minio.datatypes import Object
from minio.error import MinioException

from seedcast.errors import CredentialsRefused, InvalidSettings, MissingObject
from seedcast.settings import S3Settings
from seedcast.storage.error_mapping import FOREIGN, s3_code, translate
from seedcast.storage.objects import PRESIGNED, SCHEME, ObjectInfo, parse_uri

# Another process created the bucket a moment earlier.
_EXISTS = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
_PAGE = 1000  # objects that a server lists at once
_MIN_PART = 5 * 1024 * 1024  # bytes; S3's least part size, which minio insists on


class S3Store:
    def __init__(self, settings: S3Settings) -> None:
        """Prepare a client without connecting.

        Raises InvalidSettings for an endpoint that is not valid, CredentialsRefused if a key is
        missing.
        """
        self._bucket, self._region = settings.bucket, settings.region
        if not settings.endpoint:
            raise InvalidSettings(
                "no S3 endpoint is configured",
                remedy="set SEEDCAST_S3_ENDPOINT, or start the embedded stack with `seedcast up`",
            )
        secret = settings.secret_key.get_secret_value()
        if not settings.access_key or not secret:
            raise CredentialsRefused(
                "credentials of the object store",
                expected="an access key and a secret key",
                got="one of them, or neither",
                remedy="set SEEDCAST_S3_ACCESS_KEY and SEEDCAST_S3_SECRET_KEY",
            )
        host, secure = _endpoint(settings)
        with _mapped(f"addressing {settings.endpoint!r}", starting=True):
            self._client = Minio(
                host,
                settings.access_key,
                secret,
                secure=secure,
                region=settings.region,
                http_client=_pool(settings),
            )

    def ensure_bucket(self) -> None:
        with _mapped(f"opening bucket {self._bucket!r}", starting=True):
            if self._client.bucket_exists(self._bucket):
                return
            try:
                self._client.make_bucket(self._bucket, self._region)
            except MinioException as error:
                if s3_code(error) not in _EXISTS or not self._client.bucket_exists(self._bucket):
                    raise

    def has_bucket(self) -> bool:
        """Return True if the bucket exists. Creates nothing. Raises as `ensure_bucket` does."""
        with _mapped(f"looking for bucket {self._bucket!r}", starting=True):
            return bool(self._client.bucket_exists(self._bucket))

    def uri(self, key: str) -> str:
        return f"{SCHEME}{self._bucket}/{key}"

    def put(self, key: str, data: bytes, content_type: str) -> str:
        with _mapped(f"storing {key}"):
            # A part as large as the object makes one PUT: one round trip, never half an object.
            self._client.put_object(
                self._bucket,
                key,
                io.BytesIO(data),
                len(data),
                content_type,
                part_size=max(len(data), _MIN_PART),
            )
        return self.uri(key)

    def get(self, uri: str) -> bytes:
        bucket, key = parse_uri(uri)
        with _mapped(f"reading {uri}", may_miss=True):
            response = self._client.get_object(bucket, key)
            try:
                return bytes(response.data)
            finally:
                response.close()
                response.release_conn()

    def stat(self, uri: str) -> ObjectInfo | None:
        bucket, key = parse_uri(uri)
        try:
            with _mapped(f"looking up {uri}", may_miss=True):
                return _info(self._client.stat_object(bucket, key))
        except MissingObject:
            return None

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        with _mapped(f"listing {self.uri(prefix)}"):
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
        return str(self._client.presigned_get_object(bucket, key, expires))

    def delete(self, uri: str) -> None:
        bucket, key = parse_uri(uri)
        try:
            with _mapped(f"deleting {uri}", may_miss=True):
                self._client.remove_object(bucket, key)
        except MissingObject:
            return


@contextmanager
def _mapped(doing: str, *, starting: bool = False, may_miss: bool = False) -> Iterator[None]:
    try:
        yield
    except FOREIGN as error:
        raise translate(error, doing, starting=starting, may_miss=may_miss) from error


def _endpoint(settings: S3Settings) -> tuple[str, bool]:
    """Return host:port and True for https. A scheme in the endpoint overrides the setting."""
    scheme, separator, host = settings.endpoint.rpartition("://")
    return host.rstrip("/"), scheme == "https" if separator else settings.secure


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
