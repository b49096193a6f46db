"""A file that a form sends, stored as it comes: it is too large to be read as other forms are."""

import hmac
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from seedcast.errors import SeedcastError
from seedcast.producers.gateway.access import allowed
from seedcast.producers.gateway.answered import Answered, Endpoint
from seedcast.producers.gateway.form import Form
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.page import catalog
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.serving import seen
from seedcast.producers.gateway.page.view import Visit
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.sessions import PageSessions, token_of
from seedcast.producers.gateway.uploads import Uploads
from seedcast.storage.accounts.files import StoredFile

PURPOSE = "list"
KEPT = timedelta(days=7)  # nobody comes back to a form in order to delete its file


class Uploading:
    def __init__(
        self, pages: Pages, sessions: PageSessions, limits: Limits, uploads: Uploads
    ) -> None:
        self._pages, self._sessions = pages, sessions
        self._limits, self._uploads = limits, uploads

    def routes(self) -> list[StarletteRoute]:
        return [StarletteRoute("/new", Endpoint("POST /new", self._receive), methods=["POST"])]

    async def _receive(self, http: Request, told: Answered) -> Response:
        """Store the list, and go on to what is to become of it."""
        visit: Visit | None = None
        try:
            visit = await self._visit(http)
            told.tenant = visit.key.tenant
            allowed(visit.key, "submit")
            await self._limits.take(visit.key)
            told.held.enter_context(self._limits.at_once(visit.key))
            file = await self._stored(visit)
            return seen(f"/new/{file.file_id}")
        except (Problem, SeedcastError) as error:
            return self._pages.problem(http, told.fail(error), visit)

    async def _visit(self, http: Request) -> Visit:
        """Raises Problem: 401, 403, 421. The form's own token comes with the file."""
        token = token_of(http)
        key = await self._sessions.require(http, token)
        return Visit(http=http, key=key, token=token, language=catalog.chosen(http), form={})

    async def _stored(self, visit: Visit) -> StoredFile:
        form = Form(visit.http.headers.get("content-type", ""))

        def described() -> tuple[str, str, timedelta]:
            if not hmac.compare_digest(form.fields.get("token", "").encode(), visit.token.encode()):
                message = "this form is of another session: open the page again"
                raise Problem(403, "wrong_token", message)
            if not form.filename:
                raise Problem(400, "no_file", "file: expected a file", param="file")
            return form.filename, PURPOSE, min(KEPT, self._uploads.lifetime)

        return await self._uploads.receive(visit.http, visit.key, form.pieces, described)
