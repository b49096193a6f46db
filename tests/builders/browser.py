"""A headless Chromium that tells what pages do: what they complain of, and whom they ask."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

CHROMIUM = "chromium"
PATIENCE = 60_000  # milliseconds: a machine may be busy
expect.set_options(timeout=PATIENCE)
Theme = Literal["light", "dark"]
WIDE, NARROW = (1280, 800), (360, 740)
# No name leads anywhere: whatever a page asks of another host fails, and is recorded.
ARGUMENTS = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",)


@dataclass
class Watched:
    """A browser of one visitor, and what has gone wrong in it since it was opened."""

    context: BrowserContext
    origin: str  # of the gateway
    complaints: list[str] = field(default_factory=list)  # errors of scripts, warnings, CSP
    elsewhere: list[str] = field(default_factory=list)  # addresses of other hosts that were asked

    def page(self) -> Page:
        return self.context.new_page()

    def require_clean(self) -> None:
        """Fail where a page has complained, or has asked anybody but its own gateway."""
        assert self.complaints == []
        assert self.elsewhere == []

    def _watch(self) -> None:
        self.context.on("request", lambda request: self._asked(request.url))
        self.context.on("console", self._said)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("data", "blob"):  # they ask nobody
            return
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.elsewhere.append(url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location['url']})")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a Chromium. Skips the test where it is not installed, except in CI.

    While it runs, this thread has an event loop: `asyncio.run` is refused. So let no other file's
    tests run within it.
    """
    if (path := shutil.which(CHROMIUM)) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"expected {CHROMIUM} on the path; run `make tools`")
        pytest.skip(f"{CHROMIUM} is not installed; run `make tools` as root on Debian")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visitor(
    browser: Browser,
    origin: str,
    *,
    size: tuple[int, int] = WIDE,
    theme: Theme = "light",
    locale: str = "en-GB",
    **options: Any,
) -> Iterator[Watched]:
    """Yield a browser without cookies. `options` are those of Playwright's `new_context`."""
    context = browser.new_context(
        base_url=origin,
        viewport={"width": size[0], "height": size[1]},
        color_scheme=theme,
        locale=locale,
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(PATIENCE)
    watched = Watched(context, origin)
    watched._watch()
    try:
        yield watched
    finally:
        context.close()


def sign_in(page: Page, key: str) -> None:
    """Sign in with a key, as a person does; the page is the Night afterwards."""
    page.goto("/login")
    page.locator("#secret").fill(key)
    page.locator("#secret").press("Enter")
    page.wait_for_url("**/")


def require_accessible(page: Page) -> None:
    """Fail with what axe-core finds wrong with the page as it is now."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
