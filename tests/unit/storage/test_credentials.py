"""Where S3's keys come from: settings, files, or the role of a service account or container."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from minio.credentials.providers import IamAwsProvider
from pydantic import SecretStr
from urllib3 import PoolManager

from seedcast.embedded.stack_state import HOST
from seedcast.errors import CredentialsRefused, InvalidSettings
from seedcast.settings import S3Settings
from seedcast.storage import credentials
from seedcast.storage.s3 import S3Store

POOL = PoolManager()


def keys_of(settings: S3Settings) -> tuple[str, str, str | None]:
    found = credentials.provider(settings, POOL).retrieve()
    return found.access_key, found.secret_key, found.session_token


def test_keys_and_a_session_token_come_from_the_settings() -> None:
    settings = S3Settings(
        access_key="a", secret_key=SecretStr("b"), session_token=SecretStr("temporary")
    )
    assert keys_of(settings) == ("a", "b", "temporary")


def test_keys_in_files_are_read_at_each_call(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("access", "secret")}
    for name, file in files.items():
        file.write_text(f"first {name}\n")
    settings = S3Settings(
        access_key_file=str(files["access"]), secret_key_file=str(files["secret"])
    )
    provider = credentials.provider(settings, POOL)
    assert provider.retrieve().secret_key == "first secret"
    files["secret"].write_text("second secret\n")
    assert provider.retrieve().secret_key == "second secret"
    files["secret"].unlink()
    with pytest.raises(InvalidSettings, match="secret"):
        provider.retrieve()


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of temporary keys, as ECS and EKS run beside a container that has a role."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            found = {"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c", "Expiration": until}
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://{HOST}:{server.server_port}/role"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)
        yield
        server.shutdown()


@pytest.mark.usefixtures("container")
def test_without_keys_those_of_the_containers_role_are_used_also_in_links() -> None:
    settings = S3Settings(endpoint="http://s3.example.org")
    assert keys_of(settings) == ("a", "b", "c")
    assert "X-Amz-Security-Token=c" in S3Store(settings).presign("s3://bucket/key")


@pytest.mark.usefixtures("container")
def test_keys_that_are_set_come_before_a_role() -> None:
    assert keys_of(S3Settings(access_key="mine", secret_key=SecretStr("too")))[0] == "mine"


def test_a_service_accounts_token_chooses_its_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/token")
    assert isinstance(credentials.provider(S3Settings(), POOL), IamAwsProvider)


def test_neither_keys_nor_a_role_is_refused() -> None:
    with pytest.raises(CredentialsRefused, match="SEEDCAST_S3_ACCESS_KEY"):
        credentials.provider(S3Settings(), POOL)
