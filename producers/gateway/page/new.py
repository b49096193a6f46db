"""New campaign: a file, what is to become of it, and its first rows as they would be said."""

from starlette.responses import Response

from seedcast.producers.gateway.page.list_form import ListForm, fresh, placeable, stored
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.serving import seen
from seedcast.producers.gateway.page.view import View, Visit
from seedcast.producers.gateway.previews import Previews
from seedcast.producers.gateway.problems import Problem
from seedcast.producers.gateway.requests import Requests
from seedcast.producers.gateway.submissions import Submissions
from seedcast.producers.gateway.uploads import Uploads
from seedcast.producers.staging.list_job import ListOptions
from seedcast.producers.staging.preview import ListPreview
from seedcast.storage.accounts.files import StoredFile

USUAL = ("phone", "web", "telephony", "speaker")  # device profiles that most lists are for
OWN = ("voice", "voice_seed", "speaker", "speed", "profile", "profiles", "locale", "deadline")


class New:
    def __init__(
        self,
        pages: Pages,
        uploads: Uploads,
        previews: Previews,
        submissions: Submissions,
        requests: Requests,
    ) -> None:
        self._pages, self._uploads, self._previews = pages, uploads, previews
        self._submissions, self._requests = submissions, requests

    def views(self) -> tuple[View, ...]:
        path = "/new/{file_id}"
        return (
            View(method="GET", path="/new", scope="submit", handler=self.begin),
            View(method="GET", path=path, scope="submit", handler=self.choose),
            View(method="POST", path=f"{path}/preview", scope="submit", handler=self.preview),
            View(method="POST", path=f"{path}/check", scope="submit", handler=self.check),
            View(method="POST", path=f"{path}/submit", scope="submit", handler=self.submit),
        )

    async def begin(self, visit: Visit) -> Response:
        return self._pages.render(visit.http, "new.html", visit)

    async def choose(self, visit: Visit) -> Response:
        """Show the list's columns, and the form; filled in where it was checked before."""
        file = await self._file(visit)
        if (form := await self._filled(visit, file)) is not None:
            return await self._shown(visit, file, form)
        shown = await self._previews.of(file, ListOptions())
        # Nobody has chosen anything yet, so nothing is wrong yet.
        shown = ListPreview(columns=shown.columns, rows=shown.rows, unreadable=shown.unreadable)
        return self._page(visit, file, fresh(file.filename, shown.columns), shown, is_chosen=False)

    async def preview(self, visit: Visit) -> Response:
        return await self._shown(visit, await self._file(visit), ListForm(visit.form))

    async def check(self, visit: Visit) -> Response:
        return await self._queued(visit, is_check=True)

    async def submit(self, visit: Visit) -> Response:
        return await self._queued(visit, is_check=False)

    async def _queued(self, visit: Visit, *, is_check: bool) -> Response:
        """Queue the list, and go on to how far it is; or show the form with what is wrong."""
        file, form = await self._file(visit), ListForm(visit.form)
        campaign = form["campaign"].strip()
        try:
            body = form.body(file.file_id)
            await self._submissions.submit(visit.key, campaign, body, is_check=is_check)
        except Problem as problem:
            if problem.status >= 500:
                raise
            return await self._shown(visit, file, form, problem)
        return seen(f"/staging/{campaign}{'/check' if is_check else ''}")

    async def _shown(
        self, visit: Visit, file: StoredFile, form: ListForm, refused: Problem | None = None
    ) -> Response:
        """Show the form with what it comes to. A preview of wrong options is no failure."""
        problem = refused
        try:
            options = form.options()
        except Problem as wrong:
            problem, options = refused or wrong, ListOptions()
        shown = await self._previews.of(file, options)
        response = self._page(visit, file, form, shown, problem)
        response.status_code = refused.status if refused else 200
        return response

    def _page(
        self,
        visit: Visit,
        file: StoredFile,
        form: ListForm,
        shown: ListPreview,
        problem: Problem | None = None,
        *,
        is_chosen: bool = True,
    ) -> Response:
        profiles = sorted(self._requests.profiles, key=lambda name: (name not in USUAL, name))
        return self._pages.render(
            visit.http,
            "list.html",
            visit,
            file=file,
            form=form,
            chosen=form.profiles(),
            shown=shown,
            is_chosen=is_chosen,
            placeable=placeable(shown.columns),
            own=[name for name in shown.columns if name in OWN],
            voices=tuple(self._requests.voices),
            usual=[name for name in profiles if name in USUAL],
            profiles=[name for name in profiles if name not in USUAL],
            problem=problem,
            field_of=form.field_of(problem.param) if problem else None,
            sentence=self._pages.sentence(visit.http, problem) if problem else None,
        )

    async def _filled(self, visit: Visit, file: StoredFile) -> ListForm | None:
        """Return the form of the list's check, or of its submission, that the query names."""
        for name, is_check in (("check", True), ("campaign", False)):
            if campaign := visit.http.query_params.get(name):
                found = await self._submissions.find(campaign, visit.key, is_check=is_check)
                if found and found.file_id == file.file_id:
                    return stored(campaign, found.options)
        return None

    async def _file(self, visit: Visit) -> StoredFile:
        return await self._uploads.find(visit.http.path_params["file_id"], visit.key)
