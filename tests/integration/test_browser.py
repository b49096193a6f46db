"""The browser by which the page is tested sees what it must not miss."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from tests.builders.browser import chromium, require_accessible, visitor

GOOD = "<!doctype html><html lang=en><title>A page</title><main><h1>Hello</h1></main>"
BAD = GOOD + "<img src='http://elsewhere.example/x.png'><script>missing()</script>"


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = (BAD if self.path == "/bad" else GOOD).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_errors_of_scripts_other_hosts_and_barriers_are_seen(browser: Browser, origin: str) -> None:
    with visitor(browser, origin) as watched:
        page = watched.page()
        page.goto("/bad", wait_until="networkidle")
        assert watched.elsewhere == ["http://elsewhere.example/x.png"]
        assert any("missing is not defined" in told for told in watched.complaints)
        with pytest.raises(AssertionError):
            watched.require_clean()
        with pytest.raises(AssertionError, match="alternative text"):
            require_accessible(page)


def test_a_page_without_fault_is_clean(browser: Browser, origin: str) -> None:
    with visitor(browser, origin, theme="dark", locale="zh-CN") as watched:
        page = watched.page()
        page.goto("/")
        assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        assert page.evaluate("navigator.language") == "zh-CN"
        require_accessible(page)
        watched.require_clean()
