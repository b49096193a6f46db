"""Templates become pages, in the visitor's language and theme."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from seedcast.producers.gateway.page import catalog, figures
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
        self._templates.filters |= {
            "count": count,
            "rate": rate,
            "percent": percent,
            "clock": clock,
            "age": age,
            "marked": marked,
            "account": figures.account,
            "portion": figures.portion,
        }

    def load(self) -> None:
        """Compile every template now, so that the first visitor does not wait for it."""
        for name in self._templates.list_templates():
            self._templates.get_template(name)

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
            **self._common(http),
            languages=catalog.NAMES,
            theme=theme(http),
            themes=THEMES,
            here=http.url.path,
            visit=visit,
            **values,
        )
        return HTMLResponse(html, status, {**HEADERS, "content-language": language})

    def part(self, visit: Visit, template: str, **values: object) -> Markup:
        """Return a part of a page. It depends on the language and on `values` alone."""
        text = self._templates.get_template(template).render(**self._common(visit.http), **values)
        return Markup(text)  # noqa: S704  # a template's, which has escaped what it was given

    def _common(self, http: Request) -> dict[str, object]:
        return {
            "t": self.speaking(http),
            "has_message": self.messages.__contains__,
            "asset": self.assets.address,
            "language": catalog.chosen(http),
            "now": datetime.now(UTC),
        }

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


def rate(number: float | None) -> str:
    if number is None:
        return "–"
    return f"{number:,.0f}" if number >= 100 else f"{number:,.1f}"


def percent(part: float | None) -> str:
    """Return a part of one; only what is whole is 100 %, and only what is nothing is 0 %."""
    if part is None:
        return "–"
    shown = min(99.9, max(0.1, 100 * part)) if 0 < part < 1 else 100 * part
    return f"{shown:.1f} %" if 0 < shown < 10 or 99 < shown < 100 else f"{shown:.0f} %"


def age(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def marked(text: str) -> Markup:
    """Return a message in which `commands` are code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def clock(moment: datetime) -> str:
    """Return a moment for who has no script, which writes it in the visitor's zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
