"""The content of a batch's output file: each line with a link that is signed as it is read."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, BinaryIO

import msgspec
from starlette.responses import Response

from seedcast.producers.gateway.problems import unavailable
from seedcast.producers.gateway.streamed import Streamed
from seedcast.producers.gateway.uploads import CONTENT_TYPE
from seedcast.storage.accounts.files import StoredFile
from seedcast.storage.accounts.keys import ApiKey
from seedcast.storage.export.lines import Sign
from seedcast.storage.export.links import signing
from seedcast.storage.objects import ObjectStore
from seedcast.storage.uploaded_files import content_key

PURPOSE = "batch_output"
VALID = timedelta(days=1)  # links, from when the file is read
AT_ONCE = 8  # files: each is a thread, for as long as its client reads


class BatchContent:
    def __init__(self, store: ObjectStore) -> None:
        self._store, self._reading = store, 0

    def answer(self, file: StoredFile, key: ApiKey, headers: dict[str, str]) -> Response:
        """Answer with the lines; without scope `listen` they have no links. Raises Problem 503."""
        may_listen = "listen" in key.scopes

        def write(target: BinaryIO) -> None:
            sign = signing(self._store, VALID) if may_listen else _none
            for line in self._lines(file):
                target.write(_signed(line, sign))

        return Streamed(write, CONTENT_TYPE, headers, self._place())

    def _place(self) -> ExitStack:
        """Take one of the places; it is free when what is returned is left."""
        if self._reading >= AT_ONCE:
            raise unavailable(f"more than {AT_ONCE} batches are read at present", retry_after=5)
        self._reading += 1
        place = ExitStack()
        place.callback(self._leave)
        return place

    def _leave(self) -> None:
        self._reading -= 1

    def _lines(self, file: StoredFile) -> Iterator[bytes]:
        rest = b""
        for piece in self._store.pieces(self._store.uri(content_key(file.file_id))):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole


def _none(_: str) -> str | None:
    return None


def _signed(line: bytes, sign: Sign) -> bytes:
    found: dict[str, Any] = msgspec.json.decode(line)
    body = (found["response"] or {}).get("body") or {}
    if "audio_url" in body:
        body["audio_url"] = sign(body["audio_url"])
    return msgspec.json.encode(found) + b"\n"
