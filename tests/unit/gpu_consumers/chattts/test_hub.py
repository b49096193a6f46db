"""Downloading upstream's weights, from a hub of our own on localhost."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub.constants import DOWNLOAD_CHUNK_SIZE

from seedcast.errors import InvalidInput, Retryable
from seedcast.gpu_consumers.engines.chattts.weights.assets import FILES, Assets
from seedcast.gpu_consumers.engines.chattts.weights.hub import pull

COMMIT = "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d"
NOWHERE = "http://127.0.0.1:9"  # the discard port, on which nobody listens
LARGE = "asset/Vocos.safetensors"
# Headers that offer a file over Xet, too.
XET = {"X-Xet-Hash": "0" * 64, "X-Xet-Refresh-Route": NOWHERE}


class Hub(ThreadingHTTPServer):
    """Answers the two calls of a download: the files of a revision, and one file of a commit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.fetched = list[str]()
        self.sent = Counter[str]()  # bytes of each file
        self.breaks = dict[str, int]()  # a file loses its connection once, after so many bytes

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        if not self.path.startswith("/api/"):
            self._file(body=True)
        elif self.path.split("?")[0].endswith(
            ("/2Noise/ChatTTS", "/revision/main", f"/revision/{COMMIT}")
        ):
            folder = self.server.folder
            files = [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()]
            siblings = [{"rfilename": str(file)} for file in files]
            revision = {"id": "2Noise/ChatTTS", "sha": COMMIT, "siblings": siblings}
            self._send(200, json.dumps(revision).encode())
        else:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})

    def _file(self, body: bool) -> None:
        name = self.path.removeprefix(f"/2Noise/ChatTTS/resolve/{COMMIT}/")
        if body:
            self.server.fetched.append(name)
        whole = (self.server.folder / name).read_bytes()
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        headers = XET | {
            "ETag": f'"{abs(hash(name)):040x}"',
            "X-Repo-Commit": COMMIT,
            "Content-Range": f"bytes {begin}-{len(whole) - 1}/{len(whole)}",
        }
        end = self.server.breaks.pop(name, len(whole)) if body else 0
        self.server.sent[name] += len(whole[begin:end])
        headers |= {"Content-Length": str(len(whole) - begin)}
        self._send(206 if begin else 200, whole[begin:end], headers)

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tiny: Assets, tmp_path: Path) -> Iterator[Hub]:
    folder = Path(shutil.copytree(tiny.folder, tmp_path / "hub"))
    (folder / "asset/fabricated.json").rename(folder / "README.md")
    (folder / "asset/GPT.pt").write_bytes(b"a pickle")
    with Hub(folder) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_exactly_the_needed_files_are_downloaded_and_only_once(
    hub: Hub, tiny: Assets, tmp_path: Path
) -> None:
    to = tmp_path / "models"
    assert pull(to, None, hub.url).digest() == tiny.digest()
    assert sorted(hub.fetched) == sorted(FILES)
    assert not list(to.rglob("*.pt"))
    (to / FILES[0]).unlink()
    hub.fetched.clear()
    pull(to, None, hub.url)
    assert hub.fetched == [FILES[0]]


def test_an_interrupted_file_resumes_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    """The client writes whole chunks, so it asks again for the unfinished one."""
    content = os.urandom(2 * DOWNLOAD_CHUNK_SIZE)
    (hub.folder / LARGE).write_bytes(content)
    hub.breaks[LARGE] = DOWNLOAD_CHUNK_SIZE + 1000
    with pytest.raises(Retryable, match="the download resumes where it stopped"):
        pull(tmp_path / "models", None, hub.url)
    hub.sent.clear()
    pull(tmp_path / "models", None, hub.url)
    assert hub.sent[LARGE] == len(content) - DOWNLOAD_CHUNK_SIZE
    assert (tmp_path / "models" / LARGE).read_bytes() == content


def test_an_unknown_revision_is_invalid_input(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no-such-branch"):
        pull(tmp_path / "models", "no-such-branch", hub.url)


def test_an_unreachable_hub_is_retryable_even_if_the_folder_has_some_files(
    tmp_path: Path,
) -> None:
    (tmp_path / "asset").mkdir()
    (tmp_path / "asset/DVAE.safetensors").write_bytes(b"a part")
    with pytest.raises(Retryable, match="SEEDCAST_GPU_MODELS"):
        pull(tmp_path, None, NOWHERE)


def test_fabricated_weights_are_not_overwritten(tiny: Assets) -> None:
    with pytest.raises(InvalidInput, match="fabricated"):
        pull(tiny.folder, None, NOWHERE)
