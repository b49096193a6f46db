"""Pictures of every view of the page, for docs/page.md: `make screenshots`.

A whole deployment speaks two lists with espeak meanwhile. Both themes, wide and at 360 px.
"""

import sys
import tempfile
from contextlib import ExitStack
from itertools import product
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.builders.browser import NARROW, WIDE, Theme, chromium, sign_in, visitor
from tests.builders.deployments import run
from tests.builders.page_deployment import PageDeployment, page_deployment
from tests.conftest import running

OUT = Path(__file__).parents[1] / "docs" / "images" / "page"
TEXT = "Hello {name}, your parcel is at the {place} until Friday evening."
PLACES = ("station", "post office", "corner shop")
THEMES: tuple[Theme, ...] = ("light", "dark")
QUALITY = 70  # of JPEG: text stays sharp, and a picture has about 50 KB


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        stack = opened.enter_context(running(folder / "stack"))
        deployed = opened.enter_context(page_deployment(stack, folder))
        browser = opened.enter_context(chromium())
        submit(deployed, listed(folder, 4000), "parcels-south", "--deadline", "3h")
        file = listed(folder, 40)
        submit(deployed, file, "parcels-north")
        key = deployed.key()
        for theme, (width, size) in product(THEMES, (("wide", WIDE), ("narrow", NARROW))):
            with visitor(browser, deployed.url, size=size, theme=theme) as watched:
                take_all(watched.page(), key, file, f"{width}-{theme}")


def listed(folder: Path, rows: int) -> Path:
    names = [f"p-{n},{n % 9},Anna {n},{PLACES[n % 3]}\n" for n in range(1, rows + 1)]
    (folder / "parcels.csv").write_text("id,voice,name,place\n" + "".join(names))
    return folder / "parcels.csv"


def submit(deployed: PageDeployment, file: Path, campaign: str, *options: str) -> None:
    named = ("--campaign", campaign, "--template", TEXT, "--tenant", "bank", *options)
    done = run(deployed.settings, "submit", file, "--id-column", "id", *named)
    if done.returncode:
        sys.exit(done.stderr)


def take_all(page: Page, key: str, file: Path, kind: str) -> None:
    def take(name: str) -> None:
        path = OUT / f"{name}-{kind}.jpg"
        page.screenshot(path=path, full_page=True, type="jpeg", quality=QUALITY)

    page.goto("/login")
    take("login")
    sign_in(page, key)
    expect(page.locator("main")).to_contain_text("parcels-south")
    take("night")
    page.goto("/campaigns/parcels-north")
    expect(page.locator("[data-count=succeeded]")).to_have_text("40", timeout=120_000)
    page.reload()
    take("campaign")
    page.goto("/new")
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/new/file-*")
    page.locator("#f-template").fill(TEXT)
    expect(page.locator("#preview")).to_contain_text("Hello Anna 1")
    take("new")
    page.goto("/voices")
    take("voices")


if __name__ == "__main__":
    main()
