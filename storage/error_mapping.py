"""The errors of minio and urllib3 to Seedcast's tree. `storage/s3.py` lets nothing else out.

At the start, what is refused or misconfigured is fatal. In mid-run it is retryable: credentials are
rotated and buckets are restored, and a record must not be lost to either.
"""

import re
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError, LocationValueError

from seedcast.errors import (
    CredentialsRefused,
    InvalidSettings,
    MissingObject,
    SeedcastError,
    StoreUnavailable,
)

FOREIGN = (
    MinioException,
    HTTPError,
    OSError,
    ValueError,
    ParseError,
)  # minio raises ValueError for an endpoint or a bucket that cannot be

_REFUSED = {
    "AccessDenied",
    "AccountProblem",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidSecurity",
    "InvalidToken",
    "InvalidTokenId",
    "NotSignedUp",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "Unauthorized",
}
_MISSING = {"NoSuchKey", "NoSuchVersion", "ResourceNotFound", "NotFound"}
_REMEDY_KEYS = "check SEEDCAST_S3_ACCESS_KEY, SEEDCAST_S3_SECRET_KEY and SEEDCAST_S3_REGION, the rights of that user, and this machine's clock"
_REMEDY_PLACE = "check SEEDCAST_S3_ENDPOINT and SEEDCAST_S3_BUCKET"


def translate(
    error: Exception, doing: str, *, starting: bool = False, may_miss: bool = False
) -> SeedcastError:
    """Which branch it belongs to. What is not known here may heal, so it is retryable.

    `may_miss`: it is about an object that may be gone. To any other call such an answer is a fault of the store, or of a proxy before it.
    """
    got = _describe(error)
    code = s3_code(error)
    if code in _REFUSED:
        if starting:
            return CredentialsRefused(
                f"{doing}: the store refused us", got=got, remedy=_REMEDY_KEYS
            )
        return StoreUnavailable(f"{doing}: the store refused us", got=got, remedy=_REMEDY_KEYS)
    if code in _MISSING and may_miss:
        return MissingObject(
            f"{doing}: no such object",
            got=got,
            remedy="it was deleted, or the address is of another store",
        )
    if starting and (
        code == "InvalidBucketName" or isinstance(error, ValueError | LocationValueError)
    ):
        return InvalidSettings(
            f"{doing}: the store cannot be addressed", got=got, remedy=_REMEDY_PLACE
        )
    return StoreUnavailable(doing, got=got, remedy=_REMEDY_PLACE if code == "NoSuchBucket" else "")


def s3_code(error: Exception) -> str:
    """S3's name for it, or ''. minio reads none from an answer of type text/xml, as rclone and others send it, but quotes it whole."""
    if isinstance(error, S3Error):
        return str(error.code)
    found = (
        re.search(r"<Code>(\w+)</Code>", str(error))
        if isinstance(error, InvalidResponseError)
        else None
    )
    return found[1] if found else ""


def _describe(error: Exception) -> str:
    """One line; minio's own quotes the whole answer of the server, host and request ids included."""
    if isinstance(error, S3Error):
        return f"{error.code}: {error.message}"
    if isinstance(error, InvalidResponseError | ParseError):
        return s3_code(error) or "an answer that is not S3's"
    if isinstance(error, ServerError):
        return f"HTTP status {error.status_code}"
    return f"{type(error).__name__}: {getattr(error, 'reason', None) or error}"
