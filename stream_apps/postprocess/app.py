"""The post-process worker as a process: start, serve until a signal, leave."""

import asyncio
import signal
import sys

import structlog

from seedcast import logging, metrics
from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.catalog import profiles
from seedcast.embedded import is_embedded
from seedcast.errors import Fatal, InvalidSettings
from seedcast.health import Readiness
from seedcast.kafka import Admin
from seedcast.settings import PostprocessSettings, Settings
from seedcast.watchdog import Watchdog
from storage.objects import ObjectStore
from storage.s3 import S3Store
from stream_apps.audio.chain import warm_up
from stream_apps.postprocess.agents import Agents
from stream_apps.postprocess.broker_health import watch
from stream_apps.postprocess.faust_app import App, build
from stream_apps.postprocess.patience import keep_trying
from stream_apps.postprocess.render import Deployment

log = structlog.get_logger(__name__)
ASSIGNMENT, STORE, BROKER = (
    "assignment",
    "store",
    "broker",
)  # what readiness waits for: that partitions may be assigned; that no record waits for these
CRASHED = 2.0  # seconds; then Faust mostly waits for itself
FOLLOW = 0.2  # seconds between two looks at the campaigns
BEAT = 1.0  # seconds between the beats of an idle worker
STOP = 20.0  # seconds; less than Kubernetes' 30, and more than a batch and a commit take


def run(settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT. Raises Fatal errors, at the start and later."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # nothing is in hand yet
    logging.configure(settings.log, worker="postprocess")
    require_digest_key(settings)
    readiness = Readiness(ASSIGNMENT, STORE, BROKER)
    port = metrics.serve(settings.metrics, readiness)
    admin = Admin(settings)
    cluster = admin.cluster_id()
    admin.ensure_topics()
    watchdog = Watchdog(settings.postprocess.watchdog)
    store = S3Store(settings.s3)
    keep_trying(STORE, store.ensure_bucket, watchdog.beat)
    readiness.meet(STORE)
    readiness.meet(BROKER)
    table = profiles.load(settings.postprocess)
    warm_up(table)
    deployment = Deployment.of(settings.postprocess, table, store)
    log.info(
        "starting",
        cluster=cluster,
        metrics_port=port,
        chain=deployment.chain_fingerprint,
        profiles=sorted(table),
    )
    with Campaigns(settings) as campaigns:
        campaigns.catch_up()  # before there are partitions
        # Not asyncio.run: at its end it waits for every task, and after a crash some of Faust's wait for ever.
        asyncio.new_event_loop().run_until_complete(
            _serve(settings, deployment, store, watchdog, readiness, campaigns)
        )
    log.info("stopped")


def require_digest_key(settings: Settings) -> None:
    """Raises InvalidSettings where receipts would be made with the key that everybody knows, which is for the embedded stack."""
    public = ("", PostprocessSettings().digest_key.get_secret_value())
    if settings.postprocess.digest_key.get_secret_value() in public and not is_embedded(settings):
        raise InvalidSettings(
            "SEEDCAST_POSTPROCESS_DIGEST_KEY",
            expected="a key of your own, since who knows the key can guess a short text from its receipt",
            got="none, or the default",
            remedy="set it to a random secret, the same for every post-process worker and for `seedcast verify`, and keep it",
        )


async def _serve(
    settings: Settings,
    deployment: Deployment,
    store: ObjectStore,
    watchdog: Watchdog,
    readiness: Readiness,
    campaigns: Campaigns,
) -> None:
    stopping = asyncio.Event()

    def leave() -> None:
        readiness.withdraw(ASSIGNMENT)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leave)
    app = build(settings)
    agents = Agents(
        app, settings, deployment, store, watchdog.beat, readiness, lambda: campaigns.cancelled
    )
    following = asyncio.create_task(_follow(campaigns, app))
    watching = asyncio.create_task(watch(app, settings, readiness))
    idle = asyncio.create_task(_beat_while_idle(agents, watchdog))
    try:
        await app.start()
        readiness.meet(ASSIGNMENT)
        await app.wait(stopping.wait())
    finally:
        idle.cancel()
        following.cancel()
        watching.cancel()
        agents.stop()
        await _stop(app, CRASHED if app.crash_reason else STOP)
        agents.close()
    if isinstance(app.crash_reason, Fatal):
        raise app.crash_reason
    if app.crash_reason:
        raise Fatal(
            "the stream app failed", got=f"{type(app.crash_reason).__name__}: {app.crash_reason}"
        ) from app.crash_reason


async def _follow(campaigns: Campaigns, app: App) -> None:
    """What operators decide since. Looks at what has arrived, and so never blocks the loop."""
    while True:
        try:
            campaigns.poll()
        except Fatal as error:
            await app.crash(error)
            return
        await asyncio.sleep(FOLLOW)


async def _stop(app: App, patience: float) -> None:
    """Waits for what is in hand, commits, and leaves the group; at most `patience` seconds."""
    _, unfinished = await asyncio.wait({asyncio.create_task(app.stop())}, timeout=patience)
    if unfinished:
        log.error(
            "stop_timed_out",
            seconds=patience,
            remedy="the group waits for the session to time out; what was in hand is done again",
        )


async def _beat_while_idle(agents: Agents, watchdog: Watchdog) -> None:
    """Work beats by its progress; without work, a loop that turns is progress enough."""
    while True:
        if agents.idle:
            watchdog.beat()
        await asyncio.sleep(BEAT)
