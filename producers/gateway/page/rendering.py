"""Templates become pages, in the visitor's language and theme."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from seedcast.producers.gateway.page import catalog
from seedcast.producers.gateway.page.assets import Assets
from seedcast.producers.gateway.page.catalog import Catalog
from seedcast.producers.gateway.page.view import Visit
from seedcast.producers.gateway.problems import Problem

TEMPLATES = Path(__file__).parent / "templates"
Theme = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
THEME_COOKIE = "seedcast-theme"
# A preview of a speech is a blob: of bytes that our own script has fetched.
POLICY = (
    "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    # Nothing is told to others. "no-referrer" would take the origin from our own forms, too.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Pages:
    """Thread-safe."""

    def __init__(self, assets: Assets, messages: Catalog) -> None:
        self.assets, self.messages = assets, messages
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,  # names are anybody's
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= {"count": count, "clock": clock}

    def render(
        self,
        http: Request,
        template: str,
        visit: Visit | None = None,
        *,
        status: int = 200,
        **values: object,
    ) -> Response:
        """Return a page. `visit`: of whoever has signed in."""
        language = catalog.chosen(http)
        html = self._templates.get_template(template).render(
            t=self.speaking(http),
            asset=self.assets.address,
            language=language,
            languages=catalog.NAMES,
            theme=theme(http),
            themes=THEMES,
            here=http.url.path,
            visit=visit,
            now=datetime.now(UTC),
            **values,
        )
        return HTMLResponse(html, status, {**HEADERS, "content-language": language})

    def problem(self, http: Request, problem: Problem, visit: Visit | None = None) -> Response:
        """Return a page that says what is wrong, in a sentence."""
        sentence = self.sentence(http, problem)
        response = self.render(
            http, "problem.html", visit, status=problem.status, problem=problem, sentence=sentence
        )
        response.headers.update(problem.headers)
        return response

    def sentence(self, http: Request, problem: Problem) -> str:
        """Return what a problem is in the visitor's language; else in the API's words."""
        name = f"problem.{problem.code}"
        if name in self.messages:
            return self.speaking(http)(name)
        return problem.message[:1].upper() + problem.message[1:] + "."

    def speaking(self, http: Request) -> Callable[..., str]:
        return partial(self.messages.say, catalog.chosen(http))


def theme(http: Request) -> Theme:
    cookie = http.cookies.get(THEME_COOKIE)
    return cookie if cookie in THEMES else "auto"


def count(number: float | None) -> str:
    """Return a number with its thousands apart; an en dash where there is none."""
    return "–" if number is None else f"{number:,.0f}"


def clock(moment: datetime) -> str:
    """Return a moment for who has no script, which writes it in the visitor's zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
