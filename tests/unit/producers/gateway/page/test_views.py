"""What the views show, to whom, and that a name is never more than a name."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from seedcast.producers.gateway.fleet_watch import Workers
from tests.builders.page_index import PageIndex, a_campaign, an_ended
from tests.builders.pages_served import OWN, Fleet, PagesServed, pages_served

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
MAX_BYTES = 120_000  # of a first view and all that it loads


class Tags(HTMLParser):
    """Counts elements, and collects what could run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.count, self.found = 0, list[tuple[str, dict[str, str | None]]]()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.count += 1
        self.found.append((tag, dict(attributes)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def index() -> PageIndex:
    return PageIndex()


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def served(tmp_path: Path, index: PageIndex, fleet: Fleet) -> Iterator[PagesServed]:
    with pages_served(tmp_path, index, fleet) as made:
        made.sign_in(made.key()[1])
        yield made


def shown(served: PagesServed, path: str, **headers: str) -> str:
    answer = served.client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_late_campaigns_come_first_and_ended_ones_last(
    served: PagesServed, index: PageIndex
) -> None:
    now = datetime.now(UTC)
    index.known = [
        a_campaign("done", counts=(1000, 0, 0, 0), state="completed"),
        a_campaign("plain"),
        a_campaign("in-time", deadline=now + timedelta(hours=2)),
        a_campaign("late", deadline=now + timedelta(seconds=20)),  # 595 left at 20 per second
        a_campaign("missed", rate=None, deadline=now - timedelta(hours=1)),
        # Neither says anything of how it goes, whatever its average is.
        a_campaign("just-begun", deadline=now + timedelta(seconds=30)),
        a_campaign("paused", deadline=now + timedelta(seconds=40), state="paused"),
    ]
    index.rates |= {"late": 20.0, "in-time": 20.0, "paused": 0.1}
    html = shown(served, "/")
    names = re.findall(r'data-campaign="([^"]+)"', html)
    assert names == ["missed", "late", "just-begun", "paused", "in-time", "plain", "done"]
    assert html.count('class="state late"') == 2


def test_the_account_of_a_campaign_adds_up(served: PagesServed, index: PageIndex) -> None:
    errors = {"no_speech": 2, "unstable": 1}  # what has no speech was spoken even so
    index.known = [
        a_campaign(accepted=1000, counts=(400, 3, 2, 1), fed=500, rendering=7, errors=errors)
    ]
    html = shown(served, "/campaigns/july-bills")
    counts = dict(re.findall(r'data-count="(\w+)">([\d,]+)<', html))
    assert counts == {
        "accepted": "1,000",
        "succeeded": "400",
        "failed": "3",
        "expired": "2",
        "cancelled": "1",
        "waiting": "594",
        "staged": "1,000",
        "fed": "500",
        "spoken": "409",
        "delivered": "400",
    }


def test_what_was_being_rendered_a_moment_ago_is_not_counted_twice(
    served: PagesServed, index: PageIndex
) -> None:
    index.known = [a_campaign(accepted=1000, counts=(400, 0, 0, 0), fed=402, rendering=50)]
    assert 'data-count="spoken">402<' in shown(served, "/campaigns/july-bills")


def test_shares_are_those_of_all_tenants_who_are_not_shown(
    served: PagesServed, index: PageIndex
) -> None:
    index.known = [a_campaign("mine"), a_campaign("others", tenant="clinic")]
    html = shown(served, "/")
    assert "others" not in html
    assert "<dd>50 %</dd>" in html
    for path in ("", "/live", "/errors/unstable", "/cancel"):
        assert served.client.get(f"/campaigns/others{path}").status_code == 404
    assert served.client.get("/campaigns/nobody").status_code == 404


def hostile(index: PageIndex, fleet: Fleet) -> None:
    name: Any = HOSTILE.replace("/", "\\")  # a path has no more than one part
    index.known = [
        a_campaign(
            name,
            held=HOSTILE,
            errors={"unstable": 1, HOSTILE: 2},
            retry_of=HOSTILE,
            window=HOSTILE,
            zone=HOSTILE,
        )
    ]
    index.ended = [
        an_ended(1, own_id=HOSTILE),
        an_ended(2, "failed", own_id=HOSTILE, message=HOSTILE),
    ]
    kind: Any = "feeder"
    fleet.workers = [
        Workers(
            kind=kind,
            state="ready",
            version=HOSTILE,
            fingerprint=HOSTILE,
            count=1,
            slots=None,
            busy=None,
            is_mixed=True,
        )
    ]


@pytest.mark.parametrize("path", ["", "/campaigns/{}", "/campaigns/{}/errors/unstable"])
def test_no_name_becomes_a_part_of_the_page(
    served: PagesServed, index: PageIndex, fleet: Fleet, path: str
) -> None:
    hostile(index, fleet)
    served.sign_in(served.key(name=HOSTILE)[1])
    name = index.known[0].campaign_id
    html = shown(served, path.format(quote(name, safe="")) or "/")
    assert "&lt;script&gt;alert(1)" in html, "it is shown as it is"
    assert "{{7*7}}" in html, "no template is made of it"
    tags = Tags(html)
    assert not tags.all("img")
    for script in tags.all("script"):
        local = (script.get("src") or "").startswith("/static/")
        assert local or script.get("type") == "application/json"
    assert not [name for _, each in tags.found for name in each if name.startswith("on")]
    assert not [each for _, each in tags.found if "style" in each], "the policy allows none"


def test_who_may_not_listen_has_no_player_and_no_receipt(
    served: PagesServed, index: PageIndex
) -> None:
    index.known, index.ended = [a_campaign()], [an_ended(1), an_ended(2, "failed")]
    html = shown(served, "/campaigns/july-bills")
    assert len(Tags(html).all("audio")) == 2, "one for each profile"
    assert "ab" * 32 in html, "the receipt"
    served.sign_in(served.key("read")[1])
    html = shown(served, "/campaigns/july-bills")
    assert not Tags(html).all("audio")
    assert "ab" * 32 not in html


SCOPED = {
    "read": ["GET /", "GET /?live", "GET /campaigns/{}", "GET /campaigns/{}/live"],
    "operate": [f"POST /campaigns/{{}}/{name}" for name in ("pause", "resume", "cancel", "weight")],
    "submit": ["POST /campaigns/{}/retry"],
}


@pytest.mark.parametrize(("scope", "paths"), SCOPED.items())
def test_each_view_needs_its_scope(
    served: PagesServed, index: PageIndex, scope: str, paths: list[str]
) -> None:
    index.known = [a_campaign()]
    others: list[Any] = [each for each in ("speak", "listen", *SCOPED) if each != scope]
    served.sign_in(served.key(*others)[1])
    token = served.token() if scope != "read" else ""
    for each in paths:
        method, _, path = each.partition(" ")
        data = {"token": token} if method == "POST" else None
        answer = served.client.request(
            method, path.format("july-bills"), data=data, headers=OWN if data else {}
        )
        assert answer.status_code == 403, each
        assert "scope" in answer.text


def test_what_a_key_may_not_do_is_not_offered(served: PagesServed, index: PageIndex) -> None:
    index.known = [a_campaign()]
    everything = shown(served, "/campaigns/july-bills")
    served.sign_in(served.key("read")[1])
    reading = shown(served, "/campaigns/july-bills")
    for offered in ("/pause", "/resume", "/cancel", "/retry", "/weight"):
        assert f"/campaigns/july-bills{offered}" in everything
        assert f"/campaigns/july-bills{offered}" not in reading


@pytest.mark.parametrize("path", ["/", "/campaigns/july-bills"])
def test_a_view_is_as_large_for_half_a_million_requests_as_for_a_thousand(
    served: PagesServed, index: PageIndex, path: str
) -> None:
    sizes = []
    for accepted in (1_000, 500_000):
        done = accepted // 2
        index.known = [
            a_campaign(accepted=accepted, counts=(done, 3, 2, 0), errors={"unstable": 3})
        ]
        start = datetime(2026, 1, 1, tzinfo=UTC)
        index.ended = [
            an_ended(row, ended_at=start + timedelta(seconds=row * accepted / 1000))
            for row in range(1, 501)
        ]
        with pages_served(served.folder, index) as other:
            other.client.cookies = served.client.cookies
            html = shown(other, path)
        sizes.append(Tags(html).count)
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("path", ["/", "/campaigns/july-bills"])
def test_a_view_and_all_that_it_loads_is_small(
    served: PagesServed, index: PageIndex, path: str
) -> None:
    index.known = [a_campaign(f"c{n}") for n in range(9)] + [a_campaign()]
    index.ended = [an_ended(row) for row in range(1, 100)]
    html = shown(served, path, **{"accept-encoding": "identity"})
    tags = Tags(html)
    links = [str(each["href"]) for each in tags.all("link")]
    links += [str(each["src"]) for each in tags.all("script") if each.get("src")]
    assert all(each.startswith("/static/") for each in links), "nothing is of another host"
    sizes = {each: len(served.client.get(each).content) for each in {*links, *imported(served)}}
    assert len(html.encode()) + sum(sizes.values()) <= MAX_BYTES, sizes


def imported(served: PagesServed) -> list[str]:
    """Return every module: whichever imports which."""
    link = re.search(r"/static/(\w+)/", served.client.get("/login").text)
    assert link
    return [f"/static/{link[1]}/{name}.js" for name in ("moments", "session", "live", "chart")]


def test_files_are_kept_for_good_and_their_address_has_their_hash(served: PagesServed) -> None:
    link = re.search(r'href="(/static/\w{16}/page.css)"', served.client.get("/").text)
    assert link
    answer = served.client.get(link[1])
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    old = served.client.get("/static/0000000000000000/page.css")
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-store")
    for path in ("../catalog.toml", "vendor/LICENSE-uPlot.txt", "nothing.css"):
        assert served.client.get(f"/static/0/{path}").status_code == 404


def test_the_page_speaks_the_language_and_has_the_theme_that_are_chosen(
    served: PagesServed, index: PageIndex
) -> None:
    index.known = [a_campaign()]
    chinese = shown(served, "/", **{"accept-language": "zh-CN"})
    assert 'lang="zh-Hans"' in chinese
    assert "等待中" in chinese
    posted = {"language": "zh", "next": "/campaigns/july-bills"}
    answer = served.client.post(
        "/login/preferences", data=posted, headers=OWN, follow_redirects=False
    )
    assert answer.headers["location"] == "/campaigns/july-bills"
    served.client.post("/login/preferences", data={"theme": "dark"}, headers=OWN)
    html = shown(served, "/", **{"accept-language": "en"})
    assert 'lang="zh-Hans" data-theme="dark"' in html


def test_a_retry_and_a_weight_say_what_is_wrong_in_a_sentence(
    served: PagesServed, index: PageIndex
) -> None:
    index.known = [a_campaign()]
    posted = {"token": served.token(), "weight": "much"}
    answer = served.client.post("/campaigns/july-bills/weight", data=posted, headers=OWN)
    assert (answer.status_code, "Weight: expected a number." in answer.text) == (400, True)
