"""The object store's contract, in memory, on rclone and on MinIO; and how S3 fails."""

import hashlib
import os
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest
from minio import time as minio_time
from pydantic import SecretStr

from seedcast.embedded import Stack, connected
from seedcast.embedded.stack_state import HOST
from seedcast.errors import (
    AccessDenied,
    CredentialsRefused,
    InvalidInput,
    InvalidSettings,
    MissingObject,
    StoreUnavailable,
    Unreachable,
)
from seedcast.settings import S3Settings, Settings
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.objects import ObjectStore
from seedcast.storage.s3 import S3Store
from tests.builders.certificates import certificates
from tests.builders.minio_server import minio_server, with_policy

pytestmark = pytest.mark.integration


@pytest.fixture(scope="session")
def rclone(stack: Stack) -> S3Settings:
    return connected(Settings(home=stack.home)).s3


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Settings]:
    with minio_server(tmp_path_factory.mktemp("minio")) as settings:
        yield settings


@pytest.fixture(params=["rclone", "minio"])
def s3(request: pytest.FixtureRequest) -> S3Settings:
    settings: S3Settings = request.getfixturevalue(request.param)
    return changed(settings, bucket=f"t{uuid4().hex[:10]}")


@pytest.fixture(params=["memory", "rclone", "minio"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore()
    store = S3Store(changed(request.getfixturevalue(request.param), bucket=f"t{uuid4().hex[:10]}"))
    store.ensure_bucket()
    return store


def changed(settings: S3Settings, **changes: object) -> S3Settings:
    return settings.model_copy(update=changes)


@pytest.mark.parametrize("size", [0, 1, 100_000, 17 * 1024 * 1024])
def test_an_object_that_was_put_can_be_read_and_looked_up(store: ObjectStore, size: int) -> None:
    data = os.urandom(size)
    uri = store.put("night-1/ab/object.wav", data, "audio/wav")
    assert uri == store.uri("night-1/ab/object.wav")
    assert store.get(uri) == data
    info = store.stat(uri)
    assert info
    assert (info.uri, info.key, info.size) == (uri, "night-1/ab/object.wav", size)


def test_a_large_object_is_a_single_put(store: ObjectStore) -> None:
    data = os.urandom(6 * 1024 * 1024)
    info = store.stat(store.put("large", data, "audio/wav"))
    assert info
    # An upload in parts has another etag.
    assert info.etag == hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_putting_again_replaces_the_object(store: ObjectStore) -> None:
    uri = store.put("key", b"old", "text/plain")
    assert store.put("key", b"new", "text/plain") == uri
    assert store.get(uri) == b"new"


def test_a_missing_object_is_none_to_stat_an_error_to_get_and_ignored_by_delete(
    store: ObjectStore,
) -> None:
    uri = store.uri("no/such")
    assert store.stat(uri) is None
    with pytest.raises(MissingObject, match="no/such"):
        store.get(uri)
    store.delete(uri)


def test_a_deleted_object_is_gone(store: ObjectStore) -> None:
    uri = store.put("key", b"x", "text/plain")
    store.delete(uri)
    assert store.stat(uri) is None


@pytest.mark.parametrize("page", [1, 2, 4, 1000])
def test_a_listing_has_each_object_under_the_prefix_once_whatever_the_page_size(
    store: ObjectStore, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seedcast.storage.s3._PAGE", page)
    for key in ("b/2", "a/1", "a/sub/3", "a/sub/5", "ab/4"):
        store.put(key, b"x", "text/plain")
    in_folder = ["a/1", "a/sub/3", "a/sub/5"]
    assert sorted(entry.key for entry in store.list("a/")) == in_folder
    assert sorted(entry.key for entry in store.list("a")) == [*in_folder, "ab/4"]
    others = sorted(entry.key for entry in store.list() if entry.key != "_seedcast/probe")
    assert others == [*in_folder, "ab/4", "b/2"]
    assert list(store.list("none/")) == []


def test_an_object_with_the_name_of_its_folder_is_listed_once(
    minio: S3Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seedcast.storage.s3._PAGE", 2)
    store = S3Store(changed(minio, bucket=f"t{uuid4().hex[:10]}"))
    store.ensure_bucket()
    for key in ("a/", "a/1", "a/2"):
        store.put(key, b"x", "text/plain")
    assert sorted(entry.key for entry in store.list("a")) == ["a/", "a/1", "a/2"]


def test_threads_can_share_a_store(store: ObjectStore) -> None:
    contents = [str(number).encode() * 1000 for number in range(64)]

    def put(number: int) -> str:
        return store.put(f"k/{number}", contents[number], "text/plain")

    with ThreadPoolExecutor(16) as pool:
        uris = list(pool.map(put, range(64)))
        assert list(pool.map(store.get, uris)) == contents


def test_the_bucket_can_be_created_again_and_by_several_processes_at_once(s3: S3Settings) -> None:
    barrier = threading.Barrier(8)

    def ensure(_: int) -> None:
        store = S3Store(s3)
        barrier.wait()
        store.ensure_bucket()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ensure, range(8)))
    S3Store(s3).ensure_bucket()
    # rclone may list an object twice that several have written at the same moment.
    assert {entry.key for entry in S3Store(s3).list()} == {"_seedcast/probe"}


def test_anybody_can_read_a_presigned_url(s3: S3Settings) -> None:
    store = S3Store(s3)
    store.ensure_bucket()
    url = store.presign(store.put("a/b.wav", b"sound", "audio/wav"), timedelta(seconds=60))
    with urllib.request.urlopen(url) as response:  # noqa: S310
        assert (response.read(), response.headers["Content-Type"]) == (b"sound", "audio/wav")


def test_a_link_names_the_address_that_others_reach(s3: S3Settings) -> None:
    public = S3Store(changed(s3, public_endpoint="https://audio.example.org"))
    public.ensure_bucket()
    assert public.presign(public.uri("a/b.wav")).startswith("https://audio.example.org/")


@pytest.mark.parametrize("valid", [timedelta(0), timedelta(days=7, seconds=1)])
def test_a_link_is_valid_for_seven_days_at_most(s3: S3Settings, valid: timedelta) -> None:
    with pytest.raises(InvalidInput, match="7 days"):
        S3Store(s3).presign("s3://bucket/a/b.wav", valid)


def test_an_endpoint_may_have_a_scheme_or_none(s3: S3Settings) -> None:
    bare = changed(s3, endpoint=s3.endpoint.removeprefix("http://"), secure=False)
    S3Store(bare).ensure_bucket()
    uri = S3Store(bare).put("key", b"one store", "text/plain")
    with_scheme = S3Store(changed(bare, endpoint=s3.endpoint + "/", secure=True))
    with_scheme.ensure_bucket()
    assert with_scheme.get(uri) == b"one store"


@pytest.mark.parametrize(
    "wrong",
    [{"secret_key": SecretStr("wrong")}, {"access_key": "nobody"}, {"secret_key": SecretStr("")}],
)
def test_wrong_credentials_are_fatal_at_the_start_and_name_the_remedy(
    s3: S3Settings, wrong: dict[str, object]
) -> None:
    with pytest.raises(CredentialsRefused, match="SEEDCAST_S3_SECRET_KEY"):
        S3Store(changed(s3, **wrong)).ensure_bucket()


def test_keys_in_files_are_rotated_in_mid_run(s3: S3Settings, tmp_path: Path) -> None:
    """Until the file has the new one, the store's refusal is Retryable: nothing is lost."""
    file, right = tmp_path / "secret", s3.secret_key.get_secret_value()
    file.write_text(right + "\n")
    store = S3Store(changed(s3, secret_key=SecretStr(""), secret_key_file=str(file)))
    store.ensure_bucket()
    file.write_text("rotated away")
    with pytest.raises(StoreUnavailable, match="refused us"):
        store.put("key", b"x", "text/plain")
    file.write_text(right)
    assert store.get(store.put("key", b"x", "text/plain")) == b"x"


def test_a_bucket_that_vanished_in_mid_run_is_retryable(s3: S3Settings) -> None:
    with pytest.raises(StoreUnavailable, match="SEEDCAST_S3_BUCKET"):
        S3Store(s3).put("key", b"x", "text/plain")


@pytest.mark.parametrize("endpoint", ["", "http://", "a host with spaces"])
def test_an_invalid_endpoint_is_fatal(s3: S3Settings, endpoint: str) -> None:
    with pytest.raises(InvalidSettings, match="SEEDCAST_S3_ENDPOINT"):
        S3Store(changed(s3, endpoint=endpoint)).ensure_bucket()


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (503, b"<Error><Code>SlowDown</Cod"),
        (503, b"\xff\xfe"),
        (404, b"<Error><Code>NoSuchKey</Code></Error>"),
        (500, b"<html/>"),
    ],
)
def test_an_answer_that_makes_no_sense_is_retryable(status: int, answer: bytes) -> None:
    """A proxy gives such an answer, or a server that is being restarted."""

    class Proxy(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy, ThreadPoolExecutor(1) as pool:
        pool.submit(proxy.serve_forever)
        settings = S3Settings(
            endpoint=f"http://127.0.0.1:{proxy.server_port}",
            access_key="anybody",
            secret_key=SecretStr("secret"),
            retries=0,
        )
        try:
            with pytest.raises(StoreUnavailable):
                S3Store(settings).put("key", b"x", "text/plain")
        finally:
            proxy.shutdown()


@pytest.fixture
def over_tls(tmp_path: Path) -> Iterator[S3Settings]:
    """A server with a certificate of an authority that this machine does not know."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates(tmp_path) / "server.pem")
    with ThreadingHTTPServer((HOST, 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield S3Settings(
            endpoint=f"https://{HOST}:{server.server_port}",
            access_key="anybody",
            secret_key=SecretStr("secret"),
            retries=0,
        )
        server.shutdown()


def test_an_unknown_authority_is_told_at_the_start(over_tls: S3Settings) -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1.*authority.*SSL_CERT_FILE"):
        S3Store(over_tls).ensure_bucket()


def test_plaintext_against_tls_is_retried_and_named(over_tls: S3Settings) -> None:
    """Such a server closes the connection, as one does that is being restarted."""
    plain = changed(over_tls, endpoint=over_tls.endpoint.replace("https", "http"))
    with pytest.raises(StoreUnavailable, match=r"without an answer.*SEEDCAST_S3_ENDPOINT"):
        S3Store(plain).ensure_bucket()


def test_tls_against_plaintext_is_told_at_the_start(s3: S3Settings) -> None:
    bare = changed(s3, endpoint=s3.endpoint.removeprefix("http://"), retries=0)
    with pytest.raises(Unreachable, match=r"no TLS.*http://.*SEEDCAST_S3_SECURE"):
        S3Store(bare).ensure_bucket()


def test_another_region_is_told_at_the_start(minio: S3Settings) -> None:
    with pytest.raises(Unreachable, match=r"another region.*SEEDCAST_S3_REGION"):
        S3Store(changed(minio, region="eu-nowhere-1", bucket="t-region")).ensure_bucket()


def test_a_host_that_there_is_not_is_named(minio: S3Settings) -> None:
    elsewhere = changed(minio, endpoint="http://nowhere.invalid:9000", retries=0)
    with pytest.raises(StoreUnavailable, match=r"no such host.*SEEDCAST_S3_ENDPOINT"):
        S3Store(elsewhere).ensure_bucket()


def test_a_right_that_is_missing_is_named_and_the_bucket_is_never_asked_for(
    minio: S3Settings,
) -> None:
    """Who may only write objects needs no other right, and without that one learns which."""
    bucket = f"t{uuid4().hex[:10]}"
    S3Store(changed(minio, bucket=bucket)).ensure_bucket()
    writer = minio_user(minio, bucket, "s3:PutObject")
    store = S3Store(changed(writer, bucket=bucket))
    store.ensure_bucket()
    store.put("night/ab/object.wav", b"sound", "audio/wav")
    reader = minio_user(minio, bucket, "s3:GetObject")
    with pytest.raises(AccessDenied, match=f"s3:PutObject on {bucket}/.*{reader.access_key}"):
        S3Store(changed(reader, bucket=bucket)).ensure_bucket()


def minio_user(root: S3Settings, bucket: str, action: str) -> S3Settings:
    """Return the settings of a new user who may do this with the objects of the bucket."""
    allowed = {"Effect": "Allow", "Action": [action], "Resource": [f"arn:aws:s3:::{bucket}/*"]}
    return with_policy(root, {"Version": "2012-10-17", "Statement": [allowed]})


def test_a_refused_connection_is_reported_within_seconds(s3: S3Settings) -> None:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        settings = changed(s3, endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            S3Store(settings).put("key", b"x", "text/plain")
        assert time.monotonic() - began < 15


def test_a_frozen_server_is_reported_within_its_timeouts(s3: S3Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:  # accepts, and never answers
        endpoint = f"http://127.0.0.1:{frozen.getsockname()[1]}"
        settings = changed(s3, endpoint=endpoint, read_timeout=0.5, retries=1)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            S3Store(settings).put("key", b"x", "text/plain")
        assert 1.0 <= time.monotonic() - began < 15  # with the default timeout it would be 20


def test_the_store_in_memory_fails_as_told_and_then_works() -> None:
    store = MemoryStore()
    store.fail(StoreUnavailable("one"), StoreUnavailable("two"))
    for message in ("one", "two"):
        with pytest.raises(StoreUnavailable, match=message):
            store.put("key", b"x", "text/plain")
    assert store.get(store.put("key", b"x", "text/plain")) == b"x"


@pytest.mark.parametrize("minutes", [20, -20])
def test_a_clock_that_jumped_is_named_and_retryable(
    minio: S3Settings, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """S3 refuses a signature that is more than a quarter of an hour old, or ahead."""
    store = S3Store(changed(minio, bucket=f"t{uuid4().hex[:10]}"))
    store.ensure_bucket()
    real_now = minio_time.utcnow
    with monkeypatch.context() as jumped:
        jumped.setattr(minio_time, "utcnow", lambda: real_now() + timedelta(minutes=minutes))
        with pytest.raises(StoreUnavailable, match=r"RequestTimeTooSkewed.*clock"):
            store.put("key", b"x", "text/plain")
    assert store.get(store.put("key", b"x", "text/plain")) == b"x"
