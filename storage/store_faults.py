"""Tells apart why a connection to the object store fails. Pure."""

from dataclasses import dataclass

from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

ENDPOINT = "SEEDCAST_S3_ENDPOINT"


@dataclass(frozen=True)
class Fault:
    what: str
    remedy: str
    heals: bool = True  # False: waiting does not help, so a start does not wait


_NO_TLS = Fault(
    "the store speaks no TLS at that address",
    f"write http:// before the address in {ENDPOINT}, set SEEDCAST_S3_SECURE=false, "
    "or name the port for TLS",
    heals=False,
)
_TLS = Fault(
    "the store speaks only TLS at that address",
    f"write https:// before the address in {ENDPOINT}, or name the port without TLS",
    heals=False,
)
_UNKNOWN_AUTHORITY = Fault(
    "no authority that this machine trusts has signed the store's certificate",
    "set SSL_CERT_FILE to the PEM file of the authority that has",
    heals=False,
)
_OTHER_NAME = Fault(
    "the store's certificate is for another host",
    f"use in {ENDPOINT} a name that the certificate has",
    heals=False,
)
_OTHER_TLS = Fault(
    "no TLS connection can be made", f"check {ENDPOINT} and the store's certificate", heals=False
)
_NO_HOST = Fault("there is no such host", f"correct the host in {ENDPOINT}, or the machine's DNS")
_NO_PORT = Fault(
    "nothing listens at that address", f"correct the port in {ENDPOINT}, or start the store"
)
_SILENT = Fault(
    "no answer from that address in time",
    f"check host and port in {ENDPOINT}, and firewalls on the way",
)
_BROKEN = Fault(
    "the connection was closed without an answer",
    f"check that the address in {ENDPOINT} is that of an S3 server, "
    "and write https:// before it if that speaks TLS",
)
_REGION = Fault(
    "the bucket is in another region", "set SEEDCAST_S3_REGION to the bucket's", heals=False
)
_REGION_CODES = {
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
    "InvalidRegion",
}


def explain(error: BaseException, code: str = "") -> Fault | None:
    """Return why no S3 answer came, or None if it is about something else.

    `code` is S3's for the error, if it has one.
    """
    if code in _REGION_CODES and "credential is mal-formed" not in str(error):
        return _REGION
    if isinstance(error, S3Error | InvalidResponseError | ServerError):
        # Go's servers say it in words, others only by an answer that is not S3's.
        return _TLS if "HTTP request to an HTTPS server" in str(error) else None
    reason = getattr(error, "reason", None) if isinstance(error, MaxRetryError) else None
    return _explain_connection(reason or error)


def _explain_connection(reason: BaseException) -> Fault | None:
    if isinstance(reason, SSLError):
        return _explain_tls(str(reason).lower())
    if isinstance(reason, NameResolutionError):
        return _NO_HOST
    if isinstance(reason, NewConnectionError):
        return _NO_PORT
    if isinstance(reason, ConnectTimeoutError | ReadTimeoutError):
        return _SILENT
    return _BROKEN if isinstance(reason, ProtocolError) else None


def _explain_tls(text: str) -> Fault:
    if any(
        sign in text for sign in ("wrong_version_number", "wrong version number", "record_layer")
    ):
        return _NO_TLS
    if "hostname mismatch" in text or "doesn't match" in text or "ip address mismatch" in text:
        return _OTHER_NAME
    if "certificate_verify_failed" in text or "certificate verify failed" in text:
        return _UNKNOWN_AUTHORITY
    return _OTHER_TLS
