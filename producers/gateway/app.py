"""Starts one gateway replica as a process."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, closing
from functools import partial
from types import FrameType

import structlog
import uvicorn
from starlette.applications import Starlette

from seedcast.errors import LocalResource
from seedcast.fleet.announcing import Announcing
from seedcast.health import Readiness
from seedcast.kafka.access_watch import ACCESS, AccessWatch
from seedcast.producers.events.options import SendOptions
from seedcast.producers.events.sender import Sender
from seedcast.producers.gateway.access import Access
from seedcast.producers.gateway.batch_keeper import BatchKeeper
from seedcast.producers.gateway.batch_routes import batch_routes
from seedcast.producers.gateway.batches import BatchRoutes
from seedcast.producers.gateway.campaign_requests import CampaignRequests
from seedcast.producers.gateway.campaign_routes import campaign_routes
from seedcast.producers.gateway.campaign_terms import CampaignTerms
from seedcast.producers.gateway.campaigns import Campaigns
from seedcast.producers.gateway.connections import ClientProtocol, most_connections
from seedcast.producers.gateway.events import Events
from seedcast.producers.gateway.exports import Exports
from seedcast.producers.gateway.feed import Feed
from seedcast.producers.gateway.files import FileRoutes
from seedcast.producers.gateway.fleet_watch import FleetWatch
from seedcast.producers.gateway.idempotency import Idempotency
from seedcast.producers.gateway.issuer_keys import IssuerKeys
from seedcast.producers.gateway.key_lookups import KeyLookups
from seedcast.producers.gateway.limits import Limits
from seedcast.producers.gateway.lookups import Lookups
from seedcast.producers.gateway.open_index import OpenIndex
from seedcast.producers.gateway.paces import Paces
from seedcast.producers.gateway.page.assets import Assets
from seedcast.producers.gateway.page.campaign import CampaignPage
from seedcast.producers.gateway.page.campaign_actions import CampaignActions
from seedcast.producers.gateway.page.catalog import Catalog
from seedcast.producers.gateway.page.front import front
from seedcast.producers.gateway.page.hearing import Hearing
from seedcast.producers.gateway.page.new import New
from seedcast.producers.gateway.page.night import Night
from seedcast.producers.gateway.page.rendering import Pages
from seedcast.producers.gateway.page.staged import Staged
from seedcast.producers.gateway.page.uploading import Uploading
from seedcast.producers.gateway.previews import Previews
from seedcast.producers.gateway.replies import Replies
from seedcast.producers.gateway.requests import Requests
from seedcast.producers.gateway.retries import Retries
from seedcast.producers.gateway.routes import Route, routes
from seedcast.producers.gateway.same_origin import SameOrigin
from seedcast.producers.gateway.server import application
from seedcast.producers.gateway.sessions import PageSessions
from seedcast.producers.gateway.speech import Speech
from seedcast.producers.gateway.stagers import Stagers
from seedcast.producers.gateway.submissions import Submissions
from seedcast.producers.gateway.tokens import Tokens
from seedcast.producers.gateway.upkeep import beat, forget, forgetting, keep
from seedcast.producers.gateway.uploads import Uploads
from seedcast.producers.gateway.webhooks.service import WebhookService
from seedcast.producers.gateway.webhooks.webhook_routes import webhook_routes
from seedcast.schemas.rights import GATEWAY
from seedcast.settings import GatewaySettings, Settings
from seedcast.storage.accounts.accounts import Accounts, open_accounts
from seedcast.storage.s3 import S3Store
from seedcast.worker import BROKER, STORE, on_stop, start

log = structlog.get_logger(__name__)
REPLIES = "replies"  # what readiness waits for, too
BACKLOG = 2048  # connections that wait to be accepted
KEEP_ALIVE = 75  # seconds; longer than proxies and clients keep one, so that they end it, not we


def run(settings: Settings) -> None:
    """Return after SIGTERM or SIGINT, once open requests are answered. Raises Fatal errors."""
    readiness, stopping = Readiness(BROKER, STORE, REPLIES, ACCESS), threading.Event()
    started = start(settings, "gateway", GATEWAY, readiness, lambda: S3Store(settings.s3))
    with ExitStack() as opened:
        accounts = opened.enter_context(open_accounts(settings.accounts))
        listening = opened.enter_context(bound(settings.gateway))
        index = opened.enter_context(OpenIndex(settings))
        feed = Feed(index)
        app = _application(settings, opened, accounts, started.store, readiness, index, feed)
        announced = opened.enter_context(Announcing(settings, "gateway", None))
        announced.watch(lambda: {"state": "draining" if stopping.is_set() else "ready"})
        opened.enter_context(closing(AccessWatch(settings, GATEWAY, readiness)))

        def leave() -> None:
            stopping.set()
            readiness.withdraw(REPLIES)
            feed.close()
            announced.drain()

        on_stop(leave)
        host, port = listening.getsockname()[:2]
        log.info("ready", url=f"http://{host}:{port}", metrics_port=started.metrics_port)
        Server(settings.gateway, app, leave).run(sockets=[listening])


def _application(
    settings: Settings,
    opened: ExitStack,
    accounts: Accounts,
    store: S3Store,
    readiness: Readiness,
    index: OpenIndex,
    feed: Feed,
) -> Starlette:
    requests, limits = Requests(settings), Limits(settings.gateway)
    issuer = IssuerKeys(settings.jwt) if settings.jwt.issuer else None
    tokens = Tokens(settings.jwt, issuer) if issuer else None
    origin = SameOrigin(settings.gateway)
    sessions = PageSessions(accounts.sessions, settings.gateway, origin)
    access = Access(KeyLookups(accounts.find_all), tokens=tokens, sessions=sessions)
    sender = Sender(settings, SendOptions(timeout=settings.gateway.send_timeout))
    ended = partial(readiness.lose, REPLIES)
    replies = opened.enter_context(closing(Replies(settings, on_end=ended)))
    readiness.meet(REPLIES)
    secret = settings.postprocess.digest_key.get_secret_value().encode()
    idempotency = Idempotency(accounts, index, secret)
    retries = Retries(settings, index)
    uploads = opened.enter_context(closing(Uploads(settings.gateway, accounts.files, store)))
    stagers = Stagers(settings.gateway, accounts, uploads, store)
    submissions = Submissions(index, accounts.stagings, uploads, stagers, store)
    speech = Speech(requests, sender, replies, store, limits, idempotency)
    campaigns, terms = Campaigns(settings, index, submissions), CampaignTerms(settings, index)
    table: tuple[Route, ...] = routes(
        speech,
        Lookups(index, store, requests),
        campaigns,
        FileRoutes(uploads, accounts.files, store),
        submissions,
        Events(index, feed, access, settings.gateway),
    )
    table += campaign_routes(
        CampaignRequests(index),
        Exports(index, store, requests.profiles),
        retries,
        terms,
    )
    pages = Pages(Assets(), Catalog())
    pages.load()
    paces, fleet = Paces(), opened.enter_context(closing(FleetWatch(settings)))
    page = CampaignPage(pages, index, feed, paces.rate)
    previews = Previews(settings.gateway, store)
    views = (
        *Night(pages, index, fleet, feed, paces.rate).views(),
        *page.views(),
        *CampaignActions(pages, page, campaigns, retries, terms).views(),
        *New(pages, uploads, previews, submissions, requests).views(),
        *Staged(pages, submissions).views(),
        *Hearing(pages, speech, requests).views(),
    )
    shown = front(views, pages, sessions, origin, access, accounts, limits)
    watched = WebhookService(settings, accounts, index, on_change=paces.note)
    webhooks = opened.enter_context(closing(watched))
    table += webhook_routes(webhooks.endpoints)
    keeper = opened.enter_context(closing(BatchKeeper(settings, accounts, index, store, stagers)))
    table += batch_routes(BatchRoutes(settings, accounts, uploads, keeper))
    shown += Uploading(pages, sessions, limits, uploads).routes()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "lists": stagers.run,
            "webhooks": webhooks.run,
            "batches": keeper.run,
            "watchdog": partial(beat, settings.gateway.watchdog),
        }
        for what, some in forgetting(settings, accounts, uploads).items():
            works[f"forgetting {what}"] = partial(forget, what, some)
        if issuer is not None:
            works["keys of the issuer"] = issuer.keep_reading
        upkeep = [asyncio.create_task(keep(name, work)) for name, work in works.items()]
        try:
            async with sender:
                yield
        finally:
            for task in upkeep:
                task.cancel()
            await retries.stop()
            await asyncio.wait(upkeep)  # lists are handed back

    return application(table, access, limits, readiness, lifespan, shown)


class Server(uvicorn.Server):
    """Once it is told to stop, it takes no connection, and answers those that are open."""

    def __init__(
        self, settings: GatewaySettings, app: Starlette, leave: Callable[[], None]
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=ClientProtocol,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # nothing is said of a client's address
                ws="none",
                lifespan="on",
                limit_concurrency=most_connections(settings.connections),
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=round(settings.drain),
            )
        )
        self._leave = leave

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._leave()
        super().handle_exit(sig, frame)


def bound(settings: GatewaySettings) -> socket.socket:
    """Return a socket that listens at the address of the settings. Raises LocalResource."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((settings.host, settings.port))
        made.listen(BACKLOG)  # who connects before the server runs waits, and is not refused
    except OSError as error:
        made.close()
        raise LocalResource(
            f"the address {settings.host}:{settings.port}",
            expected="one that the gateway can listen at",
            got=str(error),
            remedy="set SEEDCAST_GATEWAY_HOST and SEEDCAST_GATEWAY_PORT",
        ) from error
    return made
