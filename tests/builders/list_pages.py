"""The views of lists and voices in this process: uploads are kept in memory, nothing is staged."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.testclient import TestClient

from seedcast.health import Readiness
from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.key_lookups import KeyLookups
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.page.assets import Assets
from seedcast.producers.gateway.page.catalog import Catalog
from seedcast.producers.gateway.page.front import front
from seedcast.producers.gateway.page.hearing import Hearing
from seedcast.producers.gateway.page.new import New
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.staged import Staged
from seedcast.producers.gateway.page.uploading import Uploading
from seedcast.producers.gateway.requests import Requests
from seedcast.producers.gateway.same_origin import SameOrigin
from seedcast.producers.gateway.server import application
from seedcast.producers.gateway.sessions import PageSessions
from seedcast.producers.gateway.submissions import Submissions
from seedcast.producers.gateway.uploads import Uploads
from seedcast.producers.gateway.wire import SpeechBody
from seedcast.producers.staging.list_job import ListOptions
from seedcast.producers.staging.preview import ListPreview, Preview
from seedcast.settings import AccountsSettings, GatewaySettings, Settings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.accounts.files import StoredFile
from seedcast.storage.accounts.keys import SCOPES, KeyLimits, Scope
from seedcast.storage.memory_store import MemoryStore
from seedcast.storage.uploaded_files import content_key
from tests.builders.page_index import PageIndex

HOST = "127.0.0.1:8700"
OWN = {"origin": f"http://{HOST}"}


class PreviewsHere:
    """Stands for Previews: reads in this process."""

    def __init__(self, settings: Settings, store: MemoryStore) -> None:
        self._settings, self._store = settings, store

    async def of(self, file: StoredFile, options: ListOptions) -> ListPreview:
        given = options.of_submission("preview", "preview", dry_run=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file.filename
            path.write_bytes(self._store.get(self._store.uri(content_key(file.file_id))))
            return Preview(self._settings, file.filename, given, lambda r: r.text.upper()).of(path)


class Asked:
    """Stands for Stagers: remembers that it was woken."""

    woken = 0

    def wake(self) -> None:
        self.woken += 1


@dataclass
class Spoken:
    """Stands for Speech: remembers what it was to say."""

    bodies: list[SpeechBody] = field(default_factory=list)

    async def say(self, _key: object, body: SpeechBody, _clock: object) -> Response:
        self.bodies.append(body)
        return Response(b"audio", media_type="audio/mpeg")


@dataclass
class ListPages:
    client: TestClient
    accounts: Accounts
    store: MemoryStore
    stagers: Asked
    speech: Spoken

    def sign_in(self, *scopes: Scope, tenant: str = "bank") -> None:
        _, secret = self.accounts.add_key("test", tenant, scopes or SCOPES, KeyLimits())
        self.client.post("/login", data={"secret": secret}, headers=OWN)

    def token(self) -> str:
        """Return the token of the session's forms."""
        page = self.client.get("/voices").text
        return page.partition('name="csrf-token" content="')[2].partition('"')[0]

    def upload(self, name: str, content: bytes, token: str | None = None) -> Any:
        """Send the first form; return where it leads to, or what was wrong."""
        return self.client.post(
            "/new",
            data={"token": self.token() if token is None else token},
            files={"file": (name, content)},
            headers=OWN,
            follow_redirects=False,
        )

    def post(self, path: str, **fields: str) -> Any:
        data = {"token": self.token()} | fields
        return self.client.post(path, data=data, headers=OWN, follow_redirects=False)


@contextmanager
def list_pages(folder: Path, voices: Path | None = None) -> Iterator[ListPages]:
    gateway, settings = GatewaySettings(), Settings(voices=str(voices or ""))
    pages, store, asked, spoken = Pages(Assets(), Catalog()), MemoryStore(), Asked(), Spoken()
    requests, index = Requests(settings), PageIndex()
    double: Any = spoken
    with open_accounts(AccountsSettings(url=f"sqlite:///{folder}/accounts.sqlite")) as accounts:
        origin, limits = SameOrigin(gateway), Limits(gateway)
        sessions = PageSessions(accounts.sessions, gateway, origin)
        access = Access(KeyLookups(accounts.find_all), sessions=sessions)
        uploads = Uploads(gateway, accounts.files, store)
        parts: Any = (index, accounts.stagings, uploads, asked, store)
        submissions = Submissions(*parts)
        previews: Any = PreviewsHere(settings, store)
        views = (
            *New(pages, uploads, previews, submissions, requests).views(),
            *Staged(pages, submissions).views(),
            *Hearing(pages, double, requests).views(),
        )
        routes = front(views, pages, sessions, origin, access, accounts, limits)
        routes += Uploading(pages, sessions, limits, uploads).routes()
        app = application((), access, limits, Readiness(), pages=routes)
        with TestClient(app, base_url=f"http://{HOST}") as client:
            yield ListPages(client, accounts, store, asked, spoken)
        uploads.close()
