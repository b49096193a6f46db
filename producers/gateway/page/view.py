"""What a view of the page is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from seedcast.producers.gateway.page.catalog import Language
from seedcast.storage.accounts.keys import ApiKey, Scope


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of a browser that has signed in."""

    http: Request
    key: ApiKey
    token: str  # for the forms of this session
    language: Language
    form: Mapping[str, str]  # what was posted; empty otherwise

    def may(self, scope: Scope) -> bool:
        return scope in self.key.scopes


@dataclass(frozen=True, kw_only=True)
class View:
    method: str
    path: str  # with {parameters}
    scope: Scope | None  # None: any valid key
    handler: Callable[[Visit], Awaitable[Response]]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"
