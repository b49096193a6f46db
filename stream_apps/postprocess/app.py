"""The post-process worker as a process: start, serve until a signal, leave."""

import asyncio
from contextlib import closing

import structlog

from seedcast import metrics
from seedcast.campaigns.campaign_topic import Campaigns
from seedcast.catalog import profiles
from seedcast.catalog.profiles import Profiles
from seedcast.errors import Fatal
from seedcast.fleet.announcing import Announcing
from seedcast.health import Readiness
from seedcast.kafka.access_watch import ACCESS, AccessWatch
from seedcast.schemas.rights import POSTPROCESSOR
from seedcast.schemas.topics import NORMAL, POSTPROCESS, URGENT
from seedcast.settings import Settings
from seedcast.storage.objects import ObjectStore
from seedcast.storage.s3 import S3Store
from seedcast.stream_apps.audio.chain import warm_up
from seedcast.stream_apps.audio.compiled import use_baked
from seedcast.stream_apps.postprocess.agents import Agents
from seedcast.stream_apps.postprocess.broker_health import watch_broker
from seedcast.stream_apps.postprocess.digest_key import require_digest_key
from seedcast.stream_apps.postprocess.faust_app import App, build_app
from seedcast.stream_apps.postprocess.render import RenderContext
from seedcast.watchdog import Watchdog
from seedcast.worker import ASSIGNMENT, BROKER, SIGNALS, STORE, Started, start
from seedcast.worker_progress import Progress, logged_progress

log = structlog.get_logger(__name__)

CRASHED = 2.0  # seconds to stop after a crash; longer would mostly be Faust waiting for itself
CAMPAIGN_POLL = 0.2  # seconds between two looks at the campaigns
BEAT = 1.0  # seconds between the beats of an idle worker
STOP = 20.0  # seconds to stop; less than Kubernetes' 30, more than a batch and a commit take


def run(settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT. Raises Fatal errors, at the start and later."""
    require_digest_key(settings)
    readiness = Readiness(ASSIGNMENT, STORE, BROKER, ACCESS)
    started = start(settings, "postprocess", POSTPROCESSOR, readiness, lambda: S3Store(settings.s3))
    with Announcing(settings, "postprocess", POSTPROCESS) as announcing:
        _run(settings, readiness, started, announcing)


def _run(
    settings: Settings, readiness: Readiness, started: Started[S3Store], announcing: Announcing
) -> None:
    watchdog = Watchdog(settings.postprocess.watchdog, starting=True)
    table = profiles.load(settings.postprocess)
    _warm_up(table, watchdog)
    deployment = RenderContext.of(settings.postprocess, table, started.store)
    announcing.update(fingerprint=deployment.chain_fingerprint, slots=settings.postprocess.threads)
    log.info(
        "starting",
        cluster=started.cluster_id,
        metrics_port=started.metrics_port,
        chain=deployment.chain_fingerprint,
        profiles=sorted(table),
    )
    access = AccessWatch(settings, POSTPROCESSOR, readiness)
    topics = [settings.topic(lane.audio) for lane in (URGENT, NORMAL)]
    progress = logged_progress(settings, POSTPROCESS.name, topics, Progress(_taken, _finished))
    with Campaigns(settings) as campaigns, closing(access), progress:
        campaigns.catch_up()  # before any partition is assigned
        campaigns.follow()
        # Not asyncio.run: it waits for every task, and after a crash some of Faust's never end.
        asyncio.new_event_loop().run_until_complete(
            _serve(settings, deployment, started.store, watchdog, readiness, campaigns, announcing)
        )
    log.info("stopped")


def _warm_up(table: Profiles, watchdog: Watchdog) -> None:
    """Log each step before it, so that the last line says what a start hangs in."""
    names = list(table)

    def begins(name: str) -> None:
        watchdog.beat()
        log.info("warming_up", profile=name, step=f"{names.index(name) + 1} of {len(names)}")

    log.info("compiled_code", baked_in=use_baked())
    warm_up(table, begins)


def _taken() -> int:
    return metrics.total(metrics.AUDIO_TAKEN)


def _finished() -> int:
    return metrics.total(metrics.RESULTS) + metrics.total(metrics.DEAD_LETTERS)


async def _serve(
    settings: Settings,
    deployment: RenderContext,
    store: ObjectStore,
    watchdog: Watchdog,
    readiness: Readiness,
    campaigns: Campaigns,
    announcing: Announcing,
) -> None:
    stopping = _stop_on_signals(readiness, announcing)
    app = build_app(settings)
    agents = Agents(
        app,
        settings,
        deployment,
        store,
        watchdog.beat,
        readiness,
        lambda: campaigns.cancelled,
        lambda: campaigns.deliver_late,
    )
    announcing.watch(lambda: {"busy": agents.rendering})
    background = [
        asyncio.create_task(_follow_campaigns(campaigns, app)),
        asyncio.create_task(watch_broker(app, settings, readiness)),
        asyncio.create_task(_beat_while_idle(agents, watchdog)),
    ]
    try:
        await app.start()
        watchdog.started()
        readiness.meet(ASSIGNMENT)
        announcing.update(state="ready")
        await app.wait(stopping.wait())
    finally:
        for task in background:
            task.cancel()
        agents.stop()
        await _stop(app, CRASHED if app.crash_reason else STOP)
        agents.close()
    _raise_crash(app)


def _stop_on_signals(readiness: Readiness, announcing: Announcing) -> asyncio.Event:
    stopping = asyncio.Event()

    def leave() -> None:
        readiness.withdraw(ASSIGNMENT)
        announcing.drain()
        stopping.set()

    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, leave)
    return stopping


def _raise_crash(app: App) -> None:
    if isinstance(app.crash_reason, Fatal):
        raise app.crash_reason
    if app.crash_reason:
        reason = f"{type(app.crash_reason).__name__}: {app.crash_reason}"
        raise Fatal("the stream app failed", got=reason) from app.crash_reason


async def _follow_campaigns(campaigns: Campaigns, app: App) -> None:
    """Apply what operators decide. Polls without waiting, so it never blocks the loop."""
    while True:
        try:
            campaigns.poll()
        except Fatal as error:
            await app.crash(error)
            return
        await asyncio.sleep(CAMPAIGN_POLL)


async def _stop(app: App, seconds: float) -> None:
    """Finish what is in hand, commit and leave the group; give up after `seconds`."""
    _, unfinished = await asyncio.wait({asyncio.create_task(app.stop())}, timeout=seconds)
    if unfinished:
        log.error(
            "stop_timed_out",
            seconds=seconds,
            remedy="the group waits for the session timeout; what was in hand is done again",
        )


async def _beat_while_idle(agents: Agents, watchdog: Watchdog) -> None:
    """Beat the watchdog while there is no work; work beats it by its own progress."""
    while True:
        if agents.idle:
            watchdog.beat()
        await asyncio.sleep(BEAT)
