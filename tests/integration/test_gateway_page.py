"""The page of a running gateway, as a browser without scripts uses it."""

import re
from collections.abc import Iterator

import httpx
import pytest

from seedcast.campaigns.campaign_topic import read_campaigns
from seedcast.schemas.messages import SpeechRequest
from seedcast.storage.accounts.keys import Scope
from tests.builders.deployments import environment
from tests.builders.processes import start
from tests.builders.waiting import eventually
from tests.integration.test_gateway import Served, served, speak, url_of
from tests.integration.test_gateway_reads import stage_night

__all__ = ["served"]
pytestmark = pytest.mark.integration


class Visitor:
    """A browser's part: it keeps cookies, and sends forms with their token and its origin."""

    def __init__(self, served: Served, *scopes: Scope, tenant: str = "bank") -> None:
        self.client = httpx.Client(base_url=served.url, timeout=60, follow_redirects=True)
        self.secret = served.key(*scopes, tenant=tenant)
        answer = self.post("/login", secret=self.secret)
        assert answer.status_code == 200, answer.text

    def post(self, path: str, **form: str) -> httpx.Response:
        origin = {"origin": str(self.client.base_url).rstrip("/")}
        return self.client.post(path, data=form, headers=origin)

    def submit(self, page: str, path: str, **form: str) -> httpx.Response:
        """Send a form of a page."""
        found = re.search(r'name="token" value="(\w+)"', self.client.get(page).text)
        assert found
        return self.post(path, token=found[1], **form)


@pytest.fixture
def visitor(served: Served) -> Iterator[Visitor]:
    made = Visitor(served)
    yield made
    made.client.close()


@pytest.fixture(scope="module")
def night(served: Served) -> list[SpeechRequest]:
    return stage_night(served, "page-night")


def test_the_night_has_the_campaigns_and_the_fleet(
    served: Served, visitor: Visitor, night: list[SpeechRequest]
) -> None:
    html = visitor.client.get("/").text
    assert 'data-campaign="page-night"' in html
    assert "8 of 9" in html

    def has_workers() -> bool:
        page = visitor.client.get("/").text
        return all(kind in page for kind in ("GPU consumer", "Post-processing", "Gateway"))

    eventually(has_workers, what="the workers that announced themselves")


def test_the_figures_of_a_campaign_are_those_of_the_api(
    visitor: Visitor, night: list[SpeechRequest]
) -> None:
    html = visitor.client.get("/campaigns/page-night").text
    shown = {name: int(n) for name, n in re.findall(r'data-count="(\w+)">(\d+)<', html)}
    told = visitor.client.get("/v1/campaigns/page-night").json()
    for name in ("accepted", "succeeded", "failed", "expired", "cancelled"):
        assert shown[name] == told[name]
    assert shown["waiting"] == 1
    assert html.count("<li>\n      <div>") == 8, "the latest results"
    page = visitor.client.get("/campaigns/page-night/errors/engine_error").text
    assert page.count('<th scope="row"') == told["errors"]["engine_error"]


def test_a_session_reads_streams_and_audio_as_its_key_does(
    served: Served, visitor: Visitor
) -> None:
    with served.client() as client:
        spoken = speak(client)
    request_id = spoken.headers["x-seedcast-request-id"]
    path = f"/v1/requests/{request_id}/audio?direct&profile=wav"
    eventually(lambda: visitor.client.get(path).status_code == 200, what="its audio")
    assert visitor.client.get(path).content == spoken.content
    part = visitor.client.get(path, headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, spoken.content[4:8])
    with visitor.client.stream("GET", "/v1/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert next(stream.iter_lines())
    campaign = spoken.headers["x-seedcast-campaign-id"]
    html = visitor.client.get(f"/campaigns/{campaign}").text
    assert f"/v1/requests/{request_id}/audio?direct&amp;profile=wav" in html


def test_forms_pause_resume_weigh_and_cancel(
    served: Served, visitor: Visitor, night: list[SpeechRequest]
) -> None:
    page = "/campaigns/page-night"

    def state() -> tuple[str, float]:
        record = read_campaigns(served.settings)["page-night"]
        return record.state, record.weight

    def done(name: str, **form: str) -> tuple[str, float]:
        answer = visitor.submit(page, f"{page}/{name}", **form)
        assert answer.status_code == 200, answer.text
        assert 'class="notice good"' in answer.text
        return state()

    assert done("pause") == ("paused", 1.0)
    assert done("weight", weight="2.5") == ("paused", 2.5)
    wrong = visitor.submit(page, f"{page}/weight", weight="1000")
    assert (wrong.status_code, "weight: expected" in wrong.text.lower()) == (400, True)
    assert done("resume") == ("sealed", 2.5)
    assert visitor.client.get(f"{page}/cancel").text.count("<form") == 4, "it asks first"
    assert state() == ("sealed", 2.5)
    assert done("cancel") == ("cancelled", 2.5)
    late = visitor.submit("/", f"{page}/pause")
    assert (late.status_code, 'role="alert"' in late.text) == (409, True)


def test_what_failed_is_retried_from_the_page(served: Served, visitor: Visitor) -> None:
    stage_night(served, "page-retry")
    page = "/campaigns/page-retry"
    answer = visitor.submit(page, f"{page}/retry")
    assert answer.status_code == 200, answer.text
    assert read_campaigns(served.settings)["page-retry-retry-1"].retry_of == "page-retry"


def test_another_tenants_campaign_is_not_there(served: Served, night: list[SpeechRequest]) -> None:
    stranger = Visitor(served, tenant="clinic")
    for path in ("", "/live", "/errors/engine_error", "/cancel"):
        assert stranger.client.get(f"/campaigns/page-night{path}").status_code == 404
    assert stranger.submit("/", "/campaigns/page-night/pause").status_code == 404
    assert "page-night" not in stranger.client.get("/").text


def test_neither_key_nor_session_is_in_the_log(served: Served, visitor: Visitor) -> None:
    log = served.log.read_text()
    assert "POST /login" in log
    for hidden in (visitor.secret, visitor.client.cookies["seedcast-session"]):
        assert hidden not in log


def test_a_session_is_good_at_every_replica(
    served: Served, visitor: Visitor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("replica") / "gateway.log"
    replica = start(["run", "gateway"], environment(served.settings), log)
    try:
        answer = httpx.get(f"{url_of(log)}/v1/campaigns", cookies=dict(visitor.client.cookies))
        assert answer.status_code == 200
    finally:
        replica.terminate()
        assert replica.wait(60) == 0
