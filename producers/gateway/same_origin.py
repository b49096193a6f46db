"""Whether a browser's request is for us, and from our own page.

A page of another site can make a browser ask us: by a form or a script, which the header `Origin`
tells, or, where a name of that site leads to our address (DNS rebinding), by the header `Host`.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

from seedcast.producers.gateway.problems import Problem
from seedcast.settings import GatewaySettings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # methods that change nothing


class SameOrigin:
    def __init__(self, settings: GatewaySettings) -> None:
        self._named = frozenset(name.lower() for name in settings.hosts)
        self._hosts: Collection[str] | None = self._named or None  # None: any
        if not self._named and settings.host in LOOPBACK:
            self._hosts = LOOPBACK

    def require_host(self, request: Request) -> None:
        """Raises Problem 421 where the request is for a name that is not ours."""
        if self._hosts is None:
            return
        if _name(f"//{request.headers.get('host', '')}") not in self._hosts:
            message = "this gateway is not reached by that name: see SEEDCAST_GATEWAY_HOSTS"
            raise Problem(421, "wrong_host", message)

    def require_own(self, request: Request) -> None:
        """Raises Problem 403 unless a page of ours asks."""
        origin = request.headers.get("origin", "")
        is_ours = _place(origin) == request.headers.get("host", "").lower()
        # A proxy may ask us under a name of its own.
        is_named = _name(origin) in self._named
        site = request.headers.get("sec-fetch-site", "same-origin")
        if not origin or site != "same-origin" or not (is_ours or is_named):
            raise Problem(403, "foreign_origin", "this was not asked by a page of this gateway")


def is_encrypted(request: Request) -> bool:
    """Return whether the page that asks came by https, also where a proxy ended that."""
    return request.headers.get("origin", "").startswith("https:") or request.url.scheme == "https"


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
