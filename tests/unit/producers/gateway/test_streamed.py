"""A streamed answer is written at its client's pace, ends with it, and is whole or cut."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from seedcast.errors import IndexUnavailable
from seedcast.producers.gateway import streamed
from seedcast.producers.gateway.answered import Answered, Endpoint
from seedcast.producers.gateway.streamed import CHUNK, Gone, Streamed, Write
from tests.builders import asgi
from tests.builders.asgi import PATIENCE


class Left(threading.Event):
    """Set when the answer has ended, whatever its end was."""

    def held(self) -> ExitStack:
        stack = ExitStack()
        stack.callback(self.set)
        return stack


@contextmanager
def serving(write: Write, left: Left) -> Iterator[str]:
    async def answer(_http: Request, _told: Answered) -> Response:
        return Streamed(write, "text/plain", {"x-name": "a"}, left.held())

    with asgi.serving(Endpoint("GET /", answer)) as url:
        yield f"{url}/"


class Endless:
    """Writes for as long as it may."""

    def __init__(self) -> None:
        self.written, self.error = 0, Left()

    def __call__(self, file: BinaryIO) -> None:
        try:
            while True:
                self.written += file.write(bytes(CHUNK))
        except Gone:
            self.error.set()
            raise


def test_all_of_it_arrives() -> None:
    def write(file: BinaryIO) -> None:
        for number in range(100_000):
            file.write(b"%d\n" % number)

    left = Left()
    with serving(write, left) as url:
        answer = httpx.get(url)
        assert answer.headers["x-name"] == "a"
        assert "content-length" not in answer.headers
        assert answer.text.splitlines() == [str(number) for number in range(100_000)]
        assert left.wait(PATIENCE)
        assert httpx.head(url).status_code == 200


def test_nothing_at_all_is_an_answer_too() -> None:
    with serving(lambda _: None, Left()) as url:
        assert (httpx.get(url).status_code, httpx.get(url).content) == (200, b"")


def test_a_client_that_goes_away_ends_the_thread() -> None:
    endless, left = Endless(), Left()
    with serving(endless, left) as url:
        with httpx.stream("GET", url) as answer:
            assert next(answer.iter_raw())
        assert endless.error.wait(PATIENCE), "its next write must fail"
        assert left.wait(PATIENCE)


def test_a_client_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "STALLED", 0.2)
    endless, left = Endless(), Left()
    with serving(endless, left) as url, httpx.stream("GET", url) as answer:
        assert answer.status_code == 200
        assert endless.error.wait(PATIENCE)
        assert left.wait(PATIENCE)
        # What lies in the sockets' buffers, and the chunks that are ahead.
        assert endless.written < 20 * 1024 * 1024


def failing(after: int) -> Callable[[BinaryIO], None]:
    def write(file: BinaryIO) -> None:
        file.write(bytes(after))
        raise IndexUnavailable("the index at 10.0.0.7")

    return write


def test_an_error_before_the_first_chunk_is_a_problem() -> None:
    with serving(failing(after=10), Left()) as url:
        answer = httpx.get(url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


def test_an_error_later_cuts_the_connection() -> None:
    with (
        serving(failing(after=3 * CHUNK), Left()) as url,
        pytest.raises(httpx.RemoteProtocolError, match="incomplete"),
    ):
        httpx.get(url)
