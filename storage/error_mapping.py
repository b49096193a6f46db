"""Map the errors of minio and urllib3 to Seedcast's; `storage/s3.py` lets no other error out.

At the start, refused credentials and wrong settings are fatal. In mid-run they are retryable:
credentials are rotated and buckets are restored, and a record must not be lost to either.
"""

import re
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError, LocationValueError

from seedcast.errors import (
    AccessDenied,
    CredentialsRefused,
    InvalidSettings,
    MissingObject,
    SeedcastError,
    StoreUnavailable,
    Unreachable,
)
from seedcast.storage.store_faults import Fault, explain

# minio raises ValueError for an endpoint or a bucket name that is not valid.
FOREIGN = (MinioException, HTTPError, OSError, ValueError, ParseError)

_REFUSED = {
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
_CHECK_KEYS = (
    "check SEEDCAST_S3_ACCESS_KEY, SEEDCAST_S3_SECRET_KEY and SEEDCAST_S3_REGION, "
    "the rights of that user, and this machine's clock"
)
_GRANT = (
    "grant it by the policy of that access key; docs/deploying.md has the rights of every role; "
    "or check SEEDCAST_S3_ACCESS_KEY, SEEDCAST_S3_SECRET_KEY and SEEDCAST_S3_BUCKET"
)
_CHECK_ADDRESS = "check SEEDCAST_S3_ENDPOINT and SEEDCAST_S3_BUCKET"


def translate(
    error: Exception,
    doing: str,
    *,
    starting: bool = False,
    may_miss: bool = False,
    address: str = "",
    right: str = "",
) -> SeedcastError:
    """Return the Seedcast error for a foreign one. An unknown error may heal, so it is retryable.

    `doing` says what was attempted. `starting`: refused credentials and wrong
    settings are fatal; an unavailable store is retryable even then.
    `may_miss`: the call is about an object that may be gone. For any other call, "no such object"
    is a fault of the store, or of a proxy before it.
    `address`: what was tried. `right`: who needs which right for it, and on what.
    """
    got = _describe(error)
    code = s3_code(error)
    if fault := explain(error, code):
        return _failed(fault, f"{doing} at {address}" if address else doing, got, starting)
    if code == "AccessDenied":
        denied = AccessDenied if starting else StoreUnavailable
        return denied(f"{doing}: a right is missing", expected=right, got=got, remedy=_GRANT)
    if code in _REFUSED:
        kind = CredentialsRefused if starting else StoreUnavailable
        return kind(f"{doing}: the store refused us", got=got, remedy=_CHECK_KEYS)
    if code in _MISSING and may_miss:
        return MissingObject(
            f"{doing}: no such object",
            got=got,
            remedy="the object was deleted, or the URI belongs to another store",
        )
    if starting and _is_misaddressed(error, code):
        return InvalidSettings(
            f"{doing}: the store cannot be addressed", got=got, remedy=_CHECK_ADDRESS
        )
    return StoreUnavailable(doing, got=got, remedy=_CHECK_ADDRESS if code == "NoSuchBucket" else "")


def _is_misaddressed(error: Exception, code: str) -> bool:
    """Return True if no server was asked, or the server knows no such name of a bucket."""
    if isinstance(error, UnicodeDecodeError):  # a ValueError, of an answer that makes no sense
        return False
    return code == "InvalidBucketName" or isinstance(error, ValueError | LocationValueError)


def _failed(fault: Fault, doing: str, got: str, starting: bool) -> SeedcastError:
    kind = Unreachable if starting and not fault.heals else StoreUnavailable
    return kind(f"{doing}: {fault.what}", got=got, remedy=fault.remedy)


def s3_code(error: Exception) -> str:
    """Return S3's code for the error, or '' if it has none.

    minio reads no code from an answer of type text/xml, as rclone and others send it, but its
    message quotes the whole answer.
    """
    if isinstance(error, S3Error):
        return str(error.code)
    if isinstance(error, InvalidResponseError):
        match = re.search(r"<Code>(\w+)</Code>", str(error))
        return match[1] if match else ""
    return ""


def _describe(error: Exception) -> str:
    """Describe the error in one line. minio's own message quotes the server's whole answer."""
    if isinstance(error, S3Error):
        return f"{error.code}: {error.message}"
    if isinstance(error, InvalidResponseError | ParseError):
        return s3_code(error) or "an answer that is not S3's"
    if isinstance(error, ServerError):
        return f"HTTP status {error.status_code}"
    return f"{type(error).__name__}: {getattr(error, 'reason', None) or error}"
