"""Every error of minio and urllib3 becomes one of Seedcast's."""

import inspect

import minio.error
import pytest
import urllib3.exceptions
from minio.error import InvalidResponseError, MinioException, S3Error
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)

from seedcast.errors import (
    AccessDenied,
    CredentialsRefused,
    Fatal,
    InvalidSettings,
    MissingObject,
    Retryable,
    StoreUnavailable,
    Unreachable,
)
from seedcast.storage.error_mapping import FOREIGN, translate


def s3_error(code: str) -> S3Error:
    return S3Error(None, code, "message", "resource", "request-id", "host-id", "bucket", "key")  # type: ignore[arg-type]


def exceptions_of(module: object, base: type[Exception]) -> list[type[Exception]]:
    classes = inspect.getmembers(module, inspect.isclass)
    return [member for _, member in classes if issubclass(member, base)]


@pytest.mark.parametrize(
    "kind",
    [
        *exceptions_of(minio.error, MinioException),
        *exceptions_of(urllib3.exceptions, HTTPError),
        ConnectionResetError,
        TimeoutError,
    ],
)
def test_every_exception_of_the_libraries_is_caught_and_retried_in_mid_run(
    kind: type[Exception],
) -> None:
    assert issubclass(kind, FOREIGN)
    # Constructors differ, and the mapping must not depend on their arguments.
    error = kind.__new__(kind)
    if kind in (urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength):
        error.partial, error.expected, error.length = 0, 1, b"1"  # type: ignore[attr-defined]
    elif kind is S3Error:
        error = s3_error("SlowDown")
    elif kind is minio.error.ServerError:
        error = minio.error.ServerError("gone", 502)
    assert isinstance(translate(error, "storing"), StoreUnavailable)


@pytest.mark.parametrize(
    "code",
    [
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "RequestTimeTooSkewed",
    ],
)
def test_refused_credentials_are_fatal_at_the_start_and_retried_in_mid_run(code: str) -> None:
    assert isinstance(translate(s3_error(code), "opening", starting=True), CredentialsRefused)
    refused = translate(s3_error(code), "storing")
    assert isinstance(refused, Retryable)
    assert "SEEDCAST_S3_SECRET_KEY" in refused.remedy


def test_a_missing_right_is_named_and_fatal_at_the_start_and_retried_in_mid_run() -> None:
    right = "s3:PutObject on bucket/key for the access key A"
    denied = translate(s3_error("AccessDenied"), "storing", starting=True, right=right)
    assert isinstance(denied, AccessDenied)
    assert denied.expected == right
    assert isinstance(translate(s3_error("AccessDenied"), "storing", right=right), Retryable)


def refused_connection(kind: type[Exception], text: str) -> MaxRetryError:
    pool = urllib3.HTTPConnectionPool("host")
    arguments = {
        NewConnectionError: (pool, text),
        NameResolutionError: ("host", pool, OSError(text)),
    }
    reason = kind(*arguments.get(kind, (text,)))
    return MaxRetryError(pool, "/", reason)


TLS = "[SSL: {}] (_ssl.c:1006)"


@pytest.mark.parametrize(
    ("error", "what", "remedy", "fatal"),
    [
        (refused_connection(SSLError, TLS.format("WRONG_VERSION_NUMBER] wrong version number")),
         "no TLS", "http://", True),
        (refused_connection(SSLError, TLS.format("RECORD_LAYER_FAILURE] record layer failure")),
         "no TLS", "SEEDCAST_S3_SECURE=false", True),
        (refused_connection(SSLError, TLS.format(
            "CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer")),
         "authority", "SSL_CERT_FILE", True),
        (refused_connection(SSLError, TLS.format(
            "CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch")),
         "another host", "SEEDCAST_S3_ENDPOINT", True),
        (InvalidResponseError(400, "text/plain", "Client sent an HTTP request to an HTTPS server."),
         "only TLS", "https://", True),
        (s3_error("AuthorizationHeaderMalformed"), "region", "SEEDCAST_S3_REGION", True),
        (s3_error("IllegalLocationConstraintException"), "region", "SEEDCAST_S3_REGION", True),
        (refused_connection(NameResolutionError, "unknown"), "no such host", "DNS", False),
        (refused_connection(NewConnectionError, "refused"), "nothing listens", "port", False),
        (refused_connection(ConnectTimeoutError, "slow"), "no answer", "firewalls", False),
        (refused_connection(ProtocolError, "closed"), "closed", "S3 server", False),
    ],
)  # fmt: skip
def test_why_no_connection_is_made_is_told_apart_with_the_address_and_a_remedy(
    error: Exception, what: str, remedy: str, fatal: bool
) -> None:
    starting = translate(error, "writing", starting=True, address="https://s3.example:9000")
    assert isinstance(starting, Unreachable if fatal else StoreUnavailable)
    assert what in starting.what
    assert "https://s3.example:9000" in starting.what
    assert remedy in starting.remedy
    running = translate(error, "writing", address="https://s3.example:9000")
    assert isinstance(running, StoreUnavailable)
    assert (running.what, running.remedy) == (starting.what, starting.remedy)


@pytest.mark.parametrize(
    "code",
    ["NoSuchBucket", "SlowDown", "InternalError", "ServiceUnavailable", "a code of the future"],
)
def test_an_error_that_may_heal_is_retried(code: str) -> None:
    assert isinstance(translate(s3_error(code), "storing"), StoreUnavailable)


def test_the_code_of_a_text_xml_answer_is_read() -> None:
    """rclone sends text/xml, in which minio sees no S3 error."""
    answer = "<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"
    error = minio.error.InvalidResponseError(404, "text/xml", answer)
    assert isinstance(translate(error, "reading", may_miss=True), MissingObject)


def test_a_missing_object_and_a_wrong_address_are_different_errors() -> None:
    assert isinstance(translate(s3_error("NoSuchKey"), "reading", may_miss=True), MissingObject)
    assert isinstance(translate(s3_error("NoSuchKey"), "storing"), StoreUnavailable)
    assert isinstance(
        translate(ValueError("invalid hostname"), "addressing", starting=True), InvalidSettings
    )
    assert not isinstance(translate(ValueError("a library's own mistake"), "storing"), Fatal)


def test_the_message_leaves_out_the_servers_ids() -> None:
    assert "host-id" not in str(translate(s3_error("SlowDown"), "storing"))
