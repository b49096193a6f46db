"""The page in a real browser, on a whole deployment: what a person does in a night.

The browser reaches the gateway and nobody else; what a script complains of fails the test.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from seedcast.embedded import Stack
from tests.builders.browser import (
    NARROW,
    WIDE,
    Theme,
    Watched,
    chromium,
    require_accessible,
    sign_in,
    visitor,
)
from tests.builders.deployments import run
from tests.builders.page_deployment import PageDeployment, page_deployment

pytestmark = pytest.mark.integration

LIST = "id,name,amount\n" + "".join(f"n-{n},Anna {n},{n}\n" for n in range(1, 13)) + "n-13,,3\n"
TEMPLATE = "Dear {name}, {amount} dollars are due."
HOSTILE = "<script>document.title='run'</script>\"'><img src=x onerror=document.title='run'>"
ALL_ENDED = 60_000  # milliseconds


@pytest.fixture(scope="module")
def deployed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageDeployment]:
    with page_deployment(stack, tmp_path_factory.mktemp("page")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def watched(browser: Browser, deployed: PageDeployment) -> Iterator[Watched]:
    with visitor(browser, deployed.url) as made:
        yield made


@pytest.fixture
def page(watched: Watched, deployed: PageDeployment) -> Page:
    opened = watched.page()
    sign_in(opened, deployed.key())
    return opened


def listed(folder: Path, content: str = LIST, name: str = "bills.csv") -> Path:
    (folder / name).write_text(content, encoding="utf-8")
    return folder / name


def upload(page: Page, file: Path) -> None:
    page.goto("/new")
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/new/file-*")


def submit(page: Page, folder: Path, campaign: str, content: str = LIST) -> None:
    """Submit a list by the form, and go on to its campaign."""
    upload(page, listed(folder, content))
    page.locator("#f-campaign").fill(campaign)
    page.locator("#f-template").fill(TEMPLATE)
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_role("link", name="Open the campaign").click()
    page.wait_for_url(f"**/campaigns/{campaign}")


def test_a_list_becomes_speech_that_a_person_hears(
    page: Page, watched: Watched, deployed: PageDeployment, tmp_path: Path
) -> None:
    upload(page, listed(tmp_path))
    expect(page.get_by_role("cell", name="Anna 1", exact=True)).to_be_visible()
    page.locator("#f-campaign").fill("bills")
    page.locator("#f-template").fill(TEMPLATE)
    # The preview follows by itself, and is what the front end will say.
    expect(page.locator("#preview")).to_contain_text("Dear Anna 1, 1 dollars are due.")
    expect(page.locator("#preview li")).to_have_count(5)
    page.get_by_role("button", name="Hear row 1").click()
    heard(page, "#preview audio")
    page.get_by_role("button", name="Check all rows").click()
    expect(page.get_by_text("Checked: nothing was submitted yet")).to_be_visible()
    expect(page.locator("#rejections + div")).to_contain_text("a value for the template")
    page.get_by_role("button", name="Submit this list").click()
    page.get_by_role("link", name="Open the campaign").click()
    counted = page.locator("[data-count=succeeded]")
    expect(counted).to_have_text("12", timeout=ALL_ENDED)
    done = run(deployed.settings, "audit", "bills", "--json")
    audited = json.loads(done.stdout)
    assert audited["ok"], done.stdout
    for name in ("accepted", "waiting"):
        shown = page.locator(f"[data-count={name}]").inner_text()
        assert int(shown) == {"accepted": audited["accepted"], "waiting": 0}[name]
    assert audited["outcomes"] == {"succeeded": int(counted.inner_text())}
    page.reload()
    page.locator("#latest audio").first.evaluate("audio => audio.play()")
    heard(page, "#latest audio")
    watched.require_clean()


def heard(page: Page, place: str) -> None:
    """Wait until a player has played some of its audio."""
    page.wait_for_function(
        "place => document.querySelector(place)?.currentTime > 0.1", arg=place, timeout=60_000
    )


@pytest.mark.slow
def test_a_campaign_is_paused_resumed_and_cancelled(
    page: Page, watched: Watched, tmp_path: Path
) -> None:
    many = "name,amount\n" + "".join(f"Anna {n},{n}\n" for n in range(5000))
    submit(page, tmp_path, "long", many)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.locator("#standing .state")).to_have_text("Paused", timeout=ALL_ENDED)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    page.locator("button.stop").click()
    expect(page.locator("[data-count=waiting]")).to_have_text("0", timeout=ALL_ENDED)
    cancelled = page.locator("[data-count=cancelled]").inner_text()
    assert int(cancelled.replace(",", "")) > 0
    watched.require_clean()


@pytest.mark.slow
def test_a_page_goes_on_by_itself_after_its_gateway_was_started_again(
    page: Page, watched: Watched, deployed: PageDeployment, tmp_path: Path
) -> None:
    page.goto("/")
    expect(page.locator("#connection")).to_be_hidden()
    deployed.end("gateway")
    expect(page.locator("#connection")).to_be_visible()
    assert "sk-seedcast-" not in (deployed.folder / "gateway.log").read_text()
    deployed.start_gateway()
    expect(page.locator("#connection")).to_be_hidden(timeout=ALL_ENDED)
    file, options = listed(tmp_path, "text\nHello.\n"), ("--voice", "7", "--tenant", "bank")
    done = run(deployed.settings, "submit", file, "--campaign", "afterwards", *options)
    assert done.returncode == 0, done.stderr
    expect(page.locator("#live")).to_contain_text("afterwards", timeout=ALL_ENDED)
    assert watched.elsewhere == []
    away = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")
    assert [told for told in watched.complaints if not any(each in told for each in away)] == []


@pytest.mark.slow
def test_keys_alone_take_a_list_to_its_campaign(
    page: Page, watched: Watched, tmp_path: Path
) -> None:
    upload(page, listed(tmp_path, "text\nHello.\n"))

    def reach(selector: str) -> None:
        for _ in range(80):
            if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"{selector} is not reached by the tabulator")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    reach("#f-campaign")
    page.keyboard.press("Control+A")
    page.keyboard.type("by-keys")
    reach("[formaction$='/submit']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/staging/by-keys")
    expect(page.get_by_role("link", name="Open the campaign")).to_be_visible()
    reach("a.primary")
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/by-keys")
    expect(page.locator("[data-count=succeeded]")).to_have_text("1", timeout=ALL_ENDED)
    watched.require_clean()


@pytest.mark.slow
def test_no_name_of_a_list_runs(page: Page, watched: Watched, tmp_path: Path) -> None:
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    columns = ("id", "text", "metadata.note", quoted)
    rows = "".join(
        f"{quoted},Hello {n}.,{quoted},{quoted}\n".replace("run", f"run{n}") for n in "12"
    )
    name = HOSTILE.replace("/", "") + ".csv"
    upload(page, listed(tmp_path, ",".join(columns) + "\n" + rows, name))
    sent = HOSTILE.replace("/", "").replace('"', "%22")  # browsers send a name's quotes so
    assert sent in page.locator("h1").inner_text()
    expect(page.locator("table")).to_contain_text(HOSTILE)
    page.locator("#f-text").select_option("template")
    page.locator("#f-template").fill(HOSTILE)
    page.locator("#f-speed").evaluate("(field, text) => (field.value = text)", HOSTILE)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#list [role=status]")).to_contain_text("speed")
    page.locator("#f-speed").evaluate("field => (field.value = '1')")
    page.locator("#f-text").select_option("own")
    page.locator("#f-campaign").fill("hostile")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_role("link", name="Open the campaign").click()
    expect(page.locator("[data-count=succeeded]")).to_have_text("2", timeout=ALL_ENDED)
    page.reload()
    expect(page.locator("#latest")).to_contain_text("<script>")
    for place in ("/", "/campaigns/hostile"):
        page.goto(place)
        assert page.title().endswith("· Seedcast")
    watched.require_clean()


@pytest.mark.slow
def test_no_script_is_needed(browser: Browser, deployed: PageDeployment, tmp_path: Path) -> None:
    with visitor(browser, deployed.url, java_script_enabled=False) as watched:
        page = watched.page()
        sign_in(page, deployed.key())
        upload(page, listed(tmp_path))
        page.locator("#f-template").fill(TEMPLATE)
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("#preview")).to_contain_text("Dear Anna 1, 1 dollars are due.")
        page.locator("#f-campaign").fill("unscripted")
        page.get_by_role("button", name="Submit", exact=True).click()
        page.get_by_role("link", name="Open the campaign").click()  # the view comes again by itself
        expect(page.locator("#standing")).to_be_visible()
        watched.require_clean()


@pytest.mark.slow
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_no_view_has_a_barrier_or_is_wider_than_its_window(
    browser: Browser,
    deployed: PageDeployment,
    tmp_path: Path,
    size: tuple[int, int],
    theme: Theme,
    locale: str,
) -> None:
    campaign = f"axe-{theme}-{locale}-{size[0]}"
    with visitor(browser, deployed.url) as english:
        page = english.page()
        sign_in(page, deployed.key())
        submit(page, tmp_path, campaign)
    with visitor(browser, deployed.url, size=size, theme=theme, locale=locale) as watched:
        page = watched.page()
        page.goto("/login")
        seen(page)
        sign_in(page, deployed.key())
        page.goto("/new")
        seen(page)
        page.locator("#file").set_input_files(listed(tmp_path))
        page.locator("#upload button").click()
        page.wait_for_url("**/new/file-*")
        page.locator("#f-template").fill(TEMPLATE)
        expect(page.locator("#preview li")).to_have_count(5)
        for summary in page.locator("summary").all():
            summary.click()
        seen(page)
        page.locator("[formaction$='/check']").click()
        expect(page.locator("#rejections")).to_be_visible()
        seen(page)
        for place in ("/", f"/campaigns/{campaign}", f"/campaigns/{campaign}/cancel", "/voices"):
            page.goto(place)
            seen(page)
        watched.require_clean()


def seen(page: Page) -> None:
    require_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
