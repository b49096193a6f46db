"""Each view behind its session, its limits and one line of log."""

from collections.abc import Iterable
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route as StarletteRoute

from seedcast.errors import SeedcastError
from seedcast.producers.gateway import problems
from seedcast.producers.gateway.access import allowed
from seedcast.producers.gateway.answered import Answered, Endpoint
from seedcast.producers.gateway.bodies import read
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.page import catalog
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.view import View, Visit
from seedcast.producers.gateway.problems import Problem, wrong
from seedcast.producers.gateway.sessions import PageSessions, token_of

MAX_FORM, FIELDS = 64 * 1024, 100  # bytes, and fields
FORM = "application/x-www-form-urlencoded"


def page_routes(
    views: Iterable[View], pages: Pages, sessions: PageSessions, limits: Limits
) -> list[StarletteRoute]:
    return [
        StarletteRoute(view.path, _endpoint(view, pages, sessions, limits), methods=[view.method])
        for view in views
    ]


def _endpoint(view: View, pages: Pages, sessions: PageSessions, limits: Limits) -> Endpoint:
    async def answer(http: Request, told: Answered) -> Response:
        visit: Visit | None = None
        try:
            visit = await _visit(http, sessions)
            told.tenant = visit.key.tenant
            allowed(visit.key, view.scope)
            problems.check_names(http)
            await limits.take(visit.key)
            told.held.enter_context(limits.at_once(visit.key))
            return await view.handler(visit)
        except (Problem, SeedcastError) as error:
            return _refused(http, told.fail(error), pages, visit)

    return Endpoint(view.name, answer)


async def _visit(http: Request, sessions: PageSessions) -> Visit:
    """Return who looks, and what was posted. Raises Problem: 400, 401, 403, 413, 415, 421."""
    form = await form_of(http) if http.method == "POST" else {}
    key = await sessions.require(http, form.get("token", ""))
    return Visit(http=http, key=key, token=token_of(http), language=catalog.chosen(http), form=form)


def _refused(http: Request, problem: Problem, pages: Pages, visit: Visit | None) -> Response:
    """Return the way to sign in for who has not, or what is wrong."""
    if problem.status == 401 and http.method == "GET":
        here = quote(http.url.path)
        return RedirectResponse(f"/login?next={here}", 303, {"cache-control": "no-store"})
    return pages.problem(http, problem, visit)


async def form_of(http: Request) -> dict[str, str]:
    """Return the fields of a form. Raises Problem: 400, 408, 413, 415."""
    media = http.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != FORM:
        message = f"expected a body of {FORM}, got {media[:100]!r}"
        raise Problem(415, "unsupported_media_type", message)
    body = await read(http, MAX_FORM)
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=FIELDS, errors="strict"
        )
    except ValueError:
        raise wrong("the form", f"at most {FIELDS} fields in UTF-8") from None
    return dict(fields)


def seen(location: str) -> Response:
    """Return the way to go on after a form was posted: asking again changes nothing again."""
    return RedirectResponse(location, 303, {"cache-control": "no-store"})
