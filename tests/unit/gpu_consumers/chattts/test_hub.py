"""Fetching upstream's weights, against a hub of our own on localhost."""

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

from gpu_consumers.engines.chattts.weights.assets import FILES, Assets
from gpu_consumers.engines.chattts.weights.hub import pull
from seedcast.errors import InvalidInput, Retryable

COMMIT = "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens
LARGE = "asset/Vocos.safetensors"
XET = {
    "X-Xet-Hash": "0" * 64,
    "X-Xet-Refresh-Route": NOWHERE,
}  # that a file can be had in that way, too


class Hub(ThreadingHTTPServer):
    """The two calls that a download makes: what a revision holds, and one file of a commit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.folder, self.fetched = folder, list[str]()
        self.sent = Counter[str]()  # bytes of each file
        self.breaks: dict[
            str, int
        ] = {}  # after how many bytes of a file the connection is lost, once

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        if not self.path.startswith("/api/"):
            self._file(body=True)
        elif self.path.split("?")[0].endswith(
            ("/2Noise/ChatTTS", "/revision/main", f"/revision/{COMMIT}")
        ):
            names = [
                str(file.relative_to(self.server.folder))
                for file in self.server.folder.rglob("*")
                if file.is_file()
            ]
            self._send(
                200,
                json.dumps(
                    {
                        "id": "2Noise/ChatTTS",
                        "sha": COMMIT,
                        "siblings": [{"rfilename": name} for name in names],
                    }
                ).encode(),
            )
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
        self._send(
            206 if begin else 200,
            whole[begin:end],
            headers | {"Content-Length": str(len(whole) - begin)},
        )

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


def test_exactly_the_files_that_are_needed_come_and_only_once(
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


def test_a_file_that_broke_off_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    """Written down chunk by chunk: what came of the unfinished one is asked for again."""
    content = os.urandom(2 * DOWNLOAD_CHUNK_SIZE)
    (hub.folder / LARGE).write_bytes(content)
    hub.breaks[LARGE] = DOWNLOAD_CHUNK_SIZE + 1000
    with pytest.raises(Retryable, match="it goes on where it stopped"):
        pull(tmp_path / "models", None, hub.url)
    hub.sent.clear()
    pull(tmp_path / "models", None, hub.url)
    assert hub.sent[LARGE] == len(content) - DOWNLOAD_CHUNK_SIZE
    assert (tmp_path / "models" / LARGE).read_bytes() == content


def test_a_revision_that_the_hub_does_not_have_is_the_callers_fault(
    hub: Hub, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="no-such-branch"):
        pull(tmp_path / "models", "no-such-branch", hub.url)


def test_an_unreachable_hub_may_be_tried_again_also_when_the_folder_is_begun(
    tmp_path: Path,
) -> None:
    (tmp_path / "asset").mkdir()
    (tmp_path / "asset/DVAE.safetensors").write_bytes(b"a part")
    with pytest.raises(Retryable, match="SEEDCAST_GPU_MODELS"):
        pull(tmp_path, None, NOWHERE)


def test_fabricated_weights_are_not_written_over(tiny: Assets) -> None:
    with pytest.raises(InvalidInput, match="fabricated"):
        pull(tiny.folder, None, NOWHERE)
