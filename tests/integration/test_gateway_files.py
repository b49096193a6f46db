"""Uploads through the gateway, on real S3, with OpenAI's client and with clients that misbehave."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import openai
import pytest

from seedcast.embedded import Stack
from seedcast.producers.gateway.uploads import Uploads
from seedcast.settings import GatewaySettings
from seedcast.storage.s3 import S3Store
from seedcast.storage.uploaded_files import FOLDER
from tests.builders.deployments import fresh
from tests.builders.gateways import Gateway, gateway
from tests.builders.waiting import eventually

pytestmark = pytest.mark.integration

LIMIT = 12 * 1024 * 1024  # bytes; three parts of an upload to S3
LIST = b"text,voice\nYour order leaves today.,2222\n"


@pytest.fixture(scope="module")
def served(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("files") / "gateway.log"
    with gateway(fresh(stack), log, SEEDCAST_GATEWAY_UPLOAD_BYTES=str(LIMIT)) as made:
        yield made


def keys(served: Gateway) -> set[str]:
    return {info.key for info in S3Store(served.settings.s3).list(f"{FOLDER}/")}


def upload(client: httpx.Client, content: bytes = LIST, name: str = "list.csv") -> httpx.Response:
    return client.post(
        "/v1/files", files={"file": (name, content)}, data={"purpose": "list"}, timeout=60
    )


def test_the_openai_client_uploads_lists_reads_and_deletes(served: Gateway) -> None:
    client = openai.OpenAI(api_key=served.key(tenant="shop"), base_url=f"{served.url}/v1")
    made = [
        client.files.create(file=(f"{n}.csv", LIST * n), purpose="batch", expires_after=after)
        for n, after in ((1, openai.omit), (2, {"anchor": "created_at", "seconds": 7200}))
    ]
    first, second = made
    assert (first.filename, first.bytes, first.purpose) == ("1.csv", len(LIST), "batch")
    assert second.expires_at
    assert abs(second.expires_at - second.created_at - 7200) <= 1
    assert client.files.retrieve(first.id) == first
    assert client.files.content(second.id).read() == LIST * 2
    assert [file.id for file in client.files.list(limit=1)] == [second.id, first.id]
    assert [file.id for file in client.files.list(limit=1, order="asc")] == [first.id, second.id]
    assert client.files.delete(first.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(first.id)
    assert [file.id for file in client.files.list()] == [second.id]


def test_a_large_file_is_stored_as_it_was_sent(served: Gateway) -> None:
    content = bytes(range(256)) * (LIMIT // 256 - 16)
    with served.client() as client:
        file = upload(client, content).json()
        assert file["bytes"] == len(content)
        got = client.get(f"/v1/files/{file['id']}/content")
        assert got.content == content
        assert client.delete(f"/v1/files/{file['id']}").status_code == 200


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\nb\x1b[2J", "名单.csv", "", "x" * 3000])
def test_a_file_name_is_data_only(served: Gateway, name: str) -> None:
    before = keys(served)
    with served.client() as client:
        body = (
            b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nlist\r\n'
            b'--b\r\ncontent-disposition: form-data; name="file"; filename="'
            + name.replace("\n", "%0A").encode()
            + b'"\r\n\r\n'
            + LIST
            + b"\r\n--b--\r\n"
        )
        headers = {"content-type": "multipart/form-data; boundary=b"}
        made = client.post("/v1/files", content=body, headers=headers)
        assert made.status_code == 200, made.text
        file = made.json()
        assert file["filename"].isprintable()
        assert len(file["filename"]) <= 300
        [stored] = keys(served) - before
        assert stored == f"{FOLDER}/files/{file['id']}"
        got = client.get(f"/v1/files/{file['id']}/content")
        assert got.content == LIST
        assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert got.headers["content-type"] == "application/octet-stream"


def test_what_is_too_large_is_refused_and_leaves_nothing(served: Gateway) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n'
        for _ in range(2 * LIMIT // 65536):
            yield bytes(65536)

    before = keys(served)
    with served.client(tenant="large") as client:
        said = upload(client, bytes(LIMIT + 1))
        assert (said.status_code, said.json()["error"]["code"]) == (413, "too_large")
        headers = {"content-type": "multipart/form-data; boundary=b"}
        unsaid = client.post("/v1/files", content=endless(), headers=headers)
        assert unsaid.status_code == 413
        assert client.get("/v1/files").json()["data"] == []
    assert keys(served) == before


def test_an_upload_that_breaks_off_leaves_nothing(served: Gateway) -> None:
    before, secret = keys(served), served.key(tenant="broken")
    later = datetime.now(UTC) + timedelta(days=3)
    others = served.accounts.files.due(later)
    head = (
        f"POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\n"
        f"content-type: multipart/form-data; boundary=b\r\ncontent-length: {LIMIT}\r\n\r\n"
        '--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n'
    )
    address = httpx.URL(served.url)
    with socket.create_connection((address.host, address.port or 0)) as client:
        client.sendall(head.encode() + bytes(7 * 1024 * 1024))  # more than one part
    log = served.log
    eventually(lambda: '"incomplete"' in log.read_text(), what="the end of the upload")
    assert keys(served) == before
    with served.client(tenant="broken") as client:
        assert client.get("/v1/files").json()["data"] == []
        assert served.accounts.files.due(later) == others


def test_a_key_stores_no_more_than_its_quota_also_by_uploads_at_once(served: Gateway) -> None:
    room = 3 * len(LIST) + 3 * 600  # a form has some 300 bytes more than its file
    with served.client(tenant="small", stored_bytes=room) as client:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: upload(client, LIST * 10), range(8)))
        codes = {answer.status_code for answer in answers}
        assert codes == {200, 413}, codes
        stored = client.get("/v1/files").json()["data"]
        assert 0 < sum(file["bytes"] for file in stored) <= room
        refused = next(answer for answer in answers if answer.status_code == 413)
        assert refused.json()["error"]["code"] == "storage_quota_exceeded"
        for file in stored:
            client.delete(f"/v1/files/{file['id']}")
        assert upload(client, LIST * 10).status_code == 200, "what is deleted counts no more"


@pytest.mark.parametrize(
    ("data", "param"),
    [
        ({}, "purpose"),
        ({"purpose": "fine-tune"}, "purpose"),
        ({"purpose": "list", "expires_after[seconds]": "5"}, "expires_after[seconds]"),
        ({"purpose": "list", "expires_after[seconds]": "9" * 30}, "expires_after[seconds]"),
        ({"purpose": "list", "expires_after[anchor]": "never"}, "expires_after[anchor]"),
    ],
)
def test_a_wrong_form_is_refused_and_leaves_nothing(
    served: Gateway, data: dict[str, str], param: str
) -> None:
    before = keys(served)
    with served.client() as client:
        answer = client.post("/v1/files", files={"file": ("x.csv", LIST)}, data=data)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert keys(served) == before


def test_another_tenants_file_is_not_there(served: Gateway) -> None:
    with served.client(tenant="one") as one, served.client(tenant="two") as two:
        file_id = upload(one).json()["id"]
        for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
            answer = two.request(method, f"/v1/files/{file_id}{path}")
            assert answer.status_code == 404, path
        assert two.get("/v1/files", params={"after": file_id}).status_code == 404
        assert two.get("/v1/files").json()["data"] == []
        assert one.get(f"/v1/files/{file_id}").status_code == 200


def test_what_has_expired_is_not_there_and_is_swept(served: Gateway) -> None:
    store = S3Store(served.settings.s3)
    uploads = Uploads(GatewaySettings(), served.accounts.files, store)
    with served.client(tenant="late") as client:
        file_id = upload(client).json()["id"]
        key = f"{FOLDER}/files/{file_id}"
        uploads.sweep(datetime.now(UTC))
        assert key in keys(served), "its time is not over"
        later = datetime.now(UTC) + timedelta(days=31)
        assert served.accounts.files.find(file_id, "late", later) is None
        while uploads.sweep(later):
            pass
        assert keys(served) == set()
        assert client.get(f"/v1/files/{file_id}").status_code == 404
        assert served.accounts.files.due(later) == []
