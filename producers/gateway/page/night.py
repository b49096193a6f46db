"""The first view: every campaign of the tenant, late ones first, and the fleet."""

from starlette.responses import Response

from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.view import View, Visit


class Night:
    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def views(self) -> tuple[View, ...]:
        return (View(method="GET", path="/", scope="read", handler=self.show),)

    async def show(self, visit: Visit) -> Response:
        return self._pages.render(visit.http, "night.html", visit)
